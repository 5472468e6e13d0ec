/**
 * Batches that are learned from in portions, so that the maps of one portion are in memory
 * at a time.
 *
 * The loss of a batch is a sum over its images with divisors of the whole batch, and every
 * image keeps its own draws of dropout, so the sum of the portions' gradients is that of
 * the batch, but for the order of float32 sums. Batch norm is the exception: it takes its
 * statistics from what it sees, a portion.
 *
 * @module
 */
import type { Network, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { addSlopes, slopeOf } from "./student_pass.ts";

/** Some neighbouring images of a batch. */
export interface Portion {
  /** The number of the first one in the batch. */
  readonly first: number;
  /** How many. */
  readonly count: number;
  /** Of how many in the batch. */
  readonly of: number;
}

/**
 * Cuts a batch into portions.
 *
 * @throws {RangeError} If they cannot be of one size.
 */
export function portionsOf(images: number, parts: number): readonly Portion[] {
  if (images % parts !== 0) {
    throw new RangeError(
      `Cannot cut a batch of ${images} into ${parts} portions: "optimizer.accumulate" must ` +
        "divide it",
    );
  }
  const count = images / parts;
  return Array.from(
    { length: parts },
    (_, i) => ({ first: i * count, count, of: images }),
  );
}

/** A portion of a tensor whose first axis is the batch's; itself, if that is all of it. */
export function cut<T extends tf.Tensor>(whole: T, { first, count, of }: Portion): T {
  if (count === of) return whole;
  const rest = whole.shape.slice(1);
  const begin = [first, ...rest.map(() => 0)];
  return tf.slice(whole, begin, [count, ...rest]);
}

/** What a mean over a portion counts in the mean over the batch. */
export function shareOf(mean: tf.Scalar, { count, of }: Portion): tf.Scalar {
  return count === of ? mean : tf.mul(mean, count / of);
}

/** The gradient of a loss that is a sum over portions, one after another. */
export function slopeOfPortions(
  network: Network,
  student: Weights,
  portions: readonly Portion[],
  loss: (portion: Portion) => tf.Scalar,
): Weights {
  return portions.map((portion) => () => slopeOf(network, student, () => loss(portion)))
    .reduce<Weights | null>(
      (total, slope) => total === null ? slope() : addSlopes(total, slope()),
      null,
    ) ?? new Map();
}

/** Notes a portion's part of a loss under its name. */
export function noteLoss(
  losses: Map<string, tf.Scalar>,
  name: string,
  part: tf.Scalar,
): void {
  const before = losses.get(name);
  losses.set(name, tf.keep(before === undefined ? tf.clone(part) : tf.add(before, part)));
  before?.dispose();
}
