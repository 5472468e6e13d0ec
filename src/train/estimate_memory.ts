/** How much memory an iteration will need, before there is one. @module */
import { hasTeacher, lookAheadOf } from "../config/method.ts";
import { hasSecondMoment } from "../config/optimizer.ts";
import type { RunConfig } from "../config/schema.ts";
import { openedGpu } from "../core/backend.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import type { Network, Parameter } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { collectKernels, compileKernels } from "../gpu/compile.ts";
import { headNetwork } from "../models/head_network.ts";
import { dryIteration } from "./dry_iteration.ts";

/** Bytes of tensors at the largest moment of an iteration. */
export interface MemoryEstimate {
  /** Everything together. */
  readonly total: number;
  /** Of student, teacher, frozen encoder and futures. */
  readonly weights: number;
  /** Of the optimizer's moments, those of futures included, and of a gradient it keeps. */
  readonly optimizer: number;
  /** Of parameters. */
  readonly gradients: number;
  /** All the rest: the batch, the state of a loss, feature maps. */
  readonly activations: number;
  /** What a run may take, where that is known: of a GPU, what it shares with others. */
  readonly limit: number | null;
  /** Where it computes. */
  readonly backend: "wasm" | "webgpu";
}

/** Of 32-bit addresses. */
const WASM_LIMIT = 2 ** 32;

/** The share of a GPU's memory above which other programs or the driver may end a run. */
const USABLE_SHARE = 0.85;

/**
 * Runs an iteration of the method on shapes alone, a dry run.
 *
 * It is the real code, with shapes in place of elements, so the peak of live tensors is
 * exact; of a run with phases in the last of them, of an adaptive
 * look-ahead at its full depth. On top come the insides of single kernels and, on WebGPU,
 * buffers that wait for the end of a submit.
 *
 * @param hasFrozenEncoder Whether features are kept near those of the encoder's start.
 * @throws {Error} If a network of the user's own calls an operation of tfjs whose shape
 * is unknown.
 */
export async function estimateMemory(
  config: RunConfig,
  classes: readonly ClassInfo[],
  network: Network,
  hasFrozenEncoder: boolean,
): Promise<MemoryEstimate> {
  const { parameters, encoder } = network;
  const trained = parameters.filter(({ trainable }) => trainable);
  const { peakAllocations, keptNames } = await dryIteration(
    config,
    classes,
    network,
    hasFrozenEncoder,
  );
  const hasSecond = hasSecondMoment(config.optimizer);
  const sizeOf = (wanted: readonly Parameter[]) =>
    wanted.reduce(
      (sum, { shape }) => sum + 4 * shape.reduce((all, side) => all * side, 1),
      0,
    );
  const [all, learning] = [sizeOf(parameters), sizeOf(trained)];
  const scratchSets = scratchSetCount(config);
  const moved = movedParameters(config, network);
  const total = sum(peakAllocations);
  const weights = (hasTeacher(config.method) ? 2 : 1) * all +
    scratchSets * sizeOf(moved) +
    (hasFrozenEncoder ? sizeOf(encoder.parameters) : 0);
  const futureMoments = scratchSets * sizeOf(moved.filter(({ trainable }) => trainable));
  const optimizer = (hasSecond ? 2 : 1) * (learning + futureMoments) +
    sizeOf(trained.filter(({ name }) => keptNames.includes(name)));
  const gradients = sum(peakAllocations.filter(({ purpose }) => purpose === "gradient"));
  return {
    total,
    weights,
    optimizer,
    gradients,
    activations: total - weights - optimizer - gradients,
    limit: memoryLimit(),
    backend: tf.getBackend() === "wasm" ? "wasm" : "webgpu",
  };
}

function memoryLimit(): number | null {
  if (tf.getBackend() === "wasm") return WASM_LIMIT;
  const memory = openedGpu()?.memory ?? null;
  return memory === null ? null : USABLE_SHARE * memory;
}

/**
 * Reports the memory that iterations of a run will need, and compiles their kernels.
 *
 * A network of the user's own may call what no dry run knows, and can run all the same:
 * then the log says so.
 */
export async function reportMemoryEstimate(
  config: RunConfig,
  classes: readonly ClassInfo[],
  { network, usesFeatureDistance }: {
    readonly network: Network;
    readonly usesFeatureDistance: boolean;
  },
  observer: {
    memory?(estimate: MemoryEstimate, config: RunConfig): void;
    compiling?(done: number, total: number): void;
    log?(line: string): void;
  },
): Promise<void> {
  if (observer.memory === undefined && observer.compiling === undefined) return;
  let kernels: Awaited<ReturnType<typeof collectKernels>>["kernels"];
  try {
    const estimate = await collectKernels(() =>
      estimateMemory(config, classes, network, usesFeatureDistance)
    );
    observer.memory?.(estimate.result, config);
    kernels = estimate.kernels;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    observer.log?.(`the memory of an iteration could not be estimated: ${reason}`);
    return;
  }
  if (tf.getBackend() !== "webgpu") return;
  const [refusal] = await compileKernels(kernels, observer.compiling);
  if (refusal === undefined) return;
  throw new Error(
    `Cannot compile kernel "${refusal.kernel}" for this GPU: ${refusal.reason}; update ` +
      'its driver, or use "--backend wasm"',
  );
}

function sum(memory: readonly { readonly bytes: number }[]): number {
  return memory.reduce((sum, { bytes }) => sum + bytes, 0);
}

// θ′ and m′, one future and the mean of futures; see `createScratchSets`.
function scratchSetCount({ method }: RunConfig): number {
  const lookAhead = lookAheadOf(method);
  if (lookAhead === null || lookAhead.by === "momentum") return 0;
  return lookAhead.width > 1 ? 3 : 1;
}

// What each of them has of its own.
function movedParameters({ method }: RunConfig, network: Network): readonly Parameter[] {
  return lookAheadOf(method)?.by === "head"
    ? headNetwork(network).network.parameters.filter(({ isFrozen }) => !isFrozen)
    : network.parameters;
}
