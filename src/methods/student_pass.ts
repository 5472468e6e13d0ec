/** The passes of a student while it learns, and their gradient. @module */
import { gradientOf } from "../core/gradient.ts";
import type { BufferChange, Network, Pass, Weights } from "../core/network.ts";
import { streamOf } from "../core/random.ts";
import { tellPurpose } from "../core/rehearsal.ts";
import * as tf from "../core/tf.ts";
import { meanCrossEntropy } from "../objectives/cross_entropy.ts";

/** What a pass did besides computing. */
export interface Observed {
  /** Whether a layer looked at its chance: with another draw it computes something else. */
  drew: boolean;
  /** The changes of buffers, in order; what they read is kept until it is freed. */
  readonly changes: BufferChange[];
}

/**
 * A training pass.
 *
 * @param domain Whose images it sees: each has draws of its own.
 * @param evaluation n, the key of its draws.
 * @param observed Filled in, if somebody wants to know.
 * @param first The number in its batch of the first image that it sees.
 */
export function studentPass(
  seed: number,
  domain: string,
  evaluation: number,
  observed?: Observed,
  first = 0,
): Pass {
  const stream = streamOf(`dropout/${domain}`);
  const chance = { seed, stream, iteration: evaluation, first };
  if (observed === undefined) return { training: true, chance };
  return {
    training: true,
    get chance() {
      observed.drew = true;
      return chance;
    },
    changed(change) {
      change.reads.forEach(tf.keep);
      observed.changes.push(change);
    },
  };
}

/** Frees what changes of buffers read. */
export function releaseChanges(changes: readonly BufferChange[]): void {
  for (const { reads } of changes) tf.dispose([...reads]);
}

/** The loss of the prediction and, by their weights, of side branches, all told the same. */
export function supervise(
  { decoder }: Network,
  { logits, sides }: ReturnType<Network["forward"]>,
  labels: tf.Tensor,
  weights: tf.Tensor | null,
): tf.Scalar {
  const lossOf = (some: tf.Tensor4D) => meanCrossEntropy(some, labels, weights, decoder);
  return sides.reduce<tf.Scalar>(
    (loss, side) => tf.add(loss, tf.mul(lossOf(side.logits), side.lossWeight)),
    lossOf(logits),
  );
}

/** The gradient of a loss, whose value is freed with everything else on the way. */
export function slopeOf(
  { parameters }: Network,
  student: Weights,
  loss: () => tf.Scalar,
): Weights {
  let slope: Weights = new Map();
  tf.tidy(() => {
    slope = gradientOf(parameters, student, loss).gradient;
    for (const one of slope.values()) tf.keep(one);
  });
  return slope;
}

/** Adds one gradient to another; both are used up. */
export function addSlopes(a: Weights, b: Weights): Weights {
  const total = new Map<string, tf.Tensor>();
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const [x, y] = [a.get(name), b.get(name)];
    const both = x && y ? tf.add(x, y) : x ?? y;
    if (both === undefined) continue;
    total.set(name, both);
    if (x && y) tf.dispose([x, y]);
  }
  tellPurpose(total.values(), "gradient");
  return total;
}
