/** What a look-ahead costs, before there was an iteration of it. @module */
import { lookAheadOf, type MethodConfig, usesTarget } from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import type { Network } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { lossEvaluations } from "../methods/future_self_training.ts";
import { dryIteration } from "./dry_iteration.ts";

/** What an iteration with a look-ahead computes, in a sentence; null: there is none. */
export function describeLookAhead(method: MethodConfig): string | null {
  const lookAhead = lookAheadOf(method);
  if (lookAhead === null) return null;
  const { by, depth, width, agreement } = lookAhead;
  const { perIteration, inFirstIteration } = lossEvaluations(lookAhead);
  const evaluations = counted(perIteration, "loss evaluation");
  const virtual = `${perIteration - 1} of them virtual`;
  const start = `look-ahead by ${by}: an iteration costs `;
  switch (by) {
    case "gradient": {
      const most = agreement === null ? "" : "at most ";
      return `${start}${most}${evaluations}, ${virtual}`;
    }
    case "momentum": {
      const steps = counted(depth, "virtual step");
      return `${start}${evaluations}, as without (${steps} by the optimizer's moments)`;
    }
    case "reuse":
      return `${start}${evaluations}, ${virtual}, and the first iteration ` +
        `${inFirstIteration}; the first virtual step has the gradient of the last real one`;
    case "head": {
      const steps = counted(depth * width, "virtual one");
      const often = width === 1 ? "once" : `for each of ${width} batches`;
      return `${start}1 loss evaluation and ${steps} of decoder and heads alone, on ` +
        `features computed ${often}`;
    }
  }
}

const counted = (count: number, what: string) =>
  `${count} ${what}${count === 1 ? "" : "s"}`;

/**
 * The multiply-adds of an iteration, divided by those of one without its look-ahead: those
 * of products of matrices and of convolutions, forward and backward.
 *
 * @param hasFrozenEncoder Whether features are kept near those of the encoder's start.
 * @throws {Error} As {@linkcode dryIteration}.
 */
export async function relativeMultiplyAdds(
  config: RunConfig,
  classes: readonly ClassInfo[],
  network: Network,
  hasFrozenEncoder: boolean,
): Promise<number> {
  const count = async (config: RunConfig) => {
    let sum = 0;
    await dryIteration(config, classes, network, hasFrozenEncoder, {
      backendName: "wasm",
      onIteration: () => sum = 0,
      onKernel: (call) => sum += multiplyAddsOf(call),
    });
    return sum;
  };
  const { method } = config;
  if (!usesTarget(method)) return 1;
  const plain = { ...config, method: { ...method, lookAhead: null } };
  return await count(config) / await count(plain);
}

// By what our kernels for wasm are called; others multiply element by element.
function multiplyAddsOf({ kernel, inputs, attributes, outputs }: tf.KernelCall): number {
  const [name = "", ...options] = kernel.split(" ");
  if (name === "matMul") {
    const { batch = 1, rows = 0, columns = 0, depth = 0 } = attributes as Sizes;
    return batch * rows * columns * depth;
  }
  if (!/^(conv2d|depthwiseConv2d)(FilterGradient)?$/.test(name)) return 0;
  // Every weight of the filter once for every place of the map that is behind the filter.
  const { left, right, dy } = inputs;
  const [output] = Object.values(outputs);
  const map = dy ?? (options.includes("backward") ? left : output);
  const [B = 0, H = 0, W = 0] = map?.shape ?? [];
  const weights = name.endsWith("FilterGradient")
    ? output?.shape.at(-1) ?? 0
    : tf.util.sizeFromShape([...right?.shape ?? [0]]);
  return weights * B * H * W;
}

type Sizes = Readonly<Partial<Record<string, number>>>;

/** Tells the log what the look-ahead of a run costs, if it has one. */
export async function reportLookAheadCost(
  config: RunConfig,
  classes: readonly ClassInfo[],
  { network, usesFeatureDistance }: {
    readonly network: Network;
    readonly usesFeatureDistance: boolean;
  },
  log: (line: string) => void,
): Promise<void> {
  const description = describeLookAhead(config.method);
  if (description === null) return;
  try {
    const ratio = await relativeMultiplyAdds(
      config,
      classes,
      network,
      usesFeatureDistance,
    );
    log(`${description}: ${ratio.toFixed(2)} times the multiply-adds of one without`);
  } catch { // the network is the user's own, and no dry run knows what it calls
    log(description);
  }
}
