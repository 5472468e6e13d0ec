/** How much memory an iteration will need, before there is one. @module */
import { isSemi, usesTarget, widthOf } from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import { type Batch, releaseBatch, uploadBatch } from "../core/batch.ts";
import type { ClassInfo, HostBatch } from "../core/host_batch.ts";
import type { Network, Parameter, Weights } from "../core/network.ts";
import { emptyTensor, rehearse } from "../core/rehearsal.ts";
import * as tf from "../core/tf.ts";
import { releaseWeights } from "../core/weights.ts";
import { type Learner, releaseLosses } from "../methods/learner.ts";
import { hasSecondMoment } from "./descent.ts";
import { hasTeacher, startMethod } from "./method.ts";
import { memoryParameters } from "./semi_contrast.ts";

/** Bytes of tensors at the largest moment of an iteration. */
export interface PredictedMemory {
  /** Everything together. */
  readonly total: number;
  /** Of student, teacher, frozen encoder and futures. */
  readonly weights: number;
  /** Of the optimizer's moments, those of futures included. */
  readonly optimizer: number;
  /** Of parameters. */
  readonly gradients: number;
  /** All the rest: the batch, what a loss remembers, maps that are kept or just computed. */
  readonly activations: number;
  /** What there can be at most, where that is known. */
  readonly limit: number | null;
}

/** Of 32-bit addresses. */
const WASM_LIMIT = 2 ** 32;

/**
 * Rehearses an iteration of the method on a batch without content.
 *
 * It is the real code, with shapes in place of elements, so the figure is what tensors will
 * take, not an estimate; of a run with phases in the last of them, of an adaptive
 * look-ahead at its full depth. On top come the insides of single kernels and, on WebGPU,
 * buffers that wait for the end of a submit.
 *
 * @param frozen Whether features are kept near those of the encoder's start.
 * @throws {Error} If a network of the user's own calls an operation of tfjs whose shape
 * nobody knows.
 */
export async function predictMemory(
  config: RunConfig,
  classes: readonly ClassInfo[],
  network: Network,
  frozen: boolean,
): Promise<PredictedMemory> {
  const { parameters, encoder } = network;
  const trained = parameters.filter((one) => one.trained);
  const hasSecond = hasSecondMoment(config.optimizer);
  const { peak } = await rehearse(() => {
    const memory = empty(memoryParameters(config, network));
    const first = empty(trained);
    const moments = { steps: 0, first, second: hasSecond ? empty(trained) : new Map() };
    const learner: Learner = {
      student: empty(parameters),
      teacher: hasTeacher(config.method) ? empty(parameters) : null,
      ...{ moments, memory },
      evaluations: 0,
    };
    const reference = frozen ? empty(encoder.parameters) : null;
    const full = atFullDepth(config);
    const method = startMethod(full, classes, network, learner, reference, () => {});
    const batches: Batch[] = Array.from(
      { length: method.batches },
      () => uploadBatch(blankBatch(config)),
    );
    releaseLosses(method.iterate(learner, batches, fullIteration(config)));
    batches.forEach(releaseBatch);
    method.release();
    const sets = [learner.student, learner.teacher, reference];
    for (const set of [...sets, memory, moments.first, moments.second]) {
      if (set !== null) releaseWeights(set);
    }
  });
  const sizeOf = (some: readonly Parameter[]) =>
    some.reduce(
      (sum, { shape }) => sum + 4 * shape.reduce((all, side) => all * side, 1),
      0,
    );
  const [all, learning] = [sizeOf(parameters), sizeOf(trained)];
  const slots = slotsOf(config);
  const total = sum(peak);
  const copies = (hasTeacher(config.method) ? 2 : 1) + slots;
  const weights = copies * all + (frozen ? sizeOf(encoder.parameters) : 0);
  const optimizer = (hasSecond ? 2 : 1) * learning * (1 + slots);
  const gradients = sum(peak.filter(({ purpose }) => purpose === "gradient"));
  return {
    total,
    weights,
    optimizer,
    gradients,
    activations: total - weights - optimizer - gradients,
    limit: tf.getBackend() === "wasm" ? WASM_LIMIT : null,
  };
}

/**
 * Tells somebody what iterations of a run will need.
 *
 * A network of the user's own may call what no rehearsal knows, and can run all the same:
 * then the log says so.
 */
export async function foretell(
  config: RunConfig,
  classes: readonly ClassInfo[],
  { network, anchored }: { readonly network: Network; readonly anchored: boolean },
  observer: {
    memory?(predicted: PredictedMemory, config: RunConfig): void;
    log?(line: string): void;
  },
): Promise<void> {
  if (observer.memory === undefined) return;
  try {
    observer.memory(await predictMemory(config, classes, network, anchored), config);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    observer.log?.(`the memory of an iteration is not predicted: ${reason}`);
  }
}

function sum(memory: readonly { readonly bytes: number }[]): number {
  return memory.reduce((sum, { bytes }) => sum + bytes, 0);
}

// θ′ and m′, a path and the mean of paths; see `futureSlots`.
function slotsOf({ method }: RunConfig): number {
  const looksAhead = isSemi(method)
    ? method.lookAhead !== null
    : method.name === "future-self-training";
  if (!looksAhead) return 0;
  return widthOf(method) > 1 ? 3 : 1;
}

// Nothing can be read of a rehearsal, on which an adaptive depth would depend.
function atFullDepth(config: RunConfig): RunConfig {
  const { method } = config;
  if (!isSemi(method) || method.lookAhead === null) return config;
  return {
    ...config,
    method: { ...method, lookAhead: { ...method.lookAhead, agreement: null } },
  };
}

// Iteration 0 may be a lesser one, and so are all in which a teacher has no say.
function fullIteration({ method, iterations }: RunConfig): number {
  if (!isSemi(method)) return 1;
  const { supervisedIterations, teacher: { sharedIterations } } = method;
  return Math.max(
    1,
    Math.min(supervisedIterations + sharedIterations + 1, iterations - 1),
  );
}

function empty(parameters: readonly Parameter[]): Weights {
  return new Map(parameters.map(({ name, shape }) => [name, emptyTensor(shape)]));
}

function blankBatch({ data, method }: RunConfig): HostBatch {
  const { batch, crop: { height, width } } = data;
  const pixels = batch * height * width;
  const names = Array.from({ length: batch }, () => "");
  const images = new Float32Array(3 * pixels);
  const labelled = { names, images, labels: new Uint8Array(pixels) };
  return {
    batch,
    height,
    width,
    source: labelled,
    target: usesTarget(method) ? { names, images } : null,
  };
}
