/**
 * Gradient accumulation: a batch is learned from in micro-batches, so that only the feature
 * maps of one micro-batch are in memory at a time.
 *
 * The loss of a batch is a sum over its images with divisors of the whole batch, and every
 * image keeps its own draws of dropout, so the sum of the micro-batches' gradients is that
 * of the batch, but for the order of float32 sums. What is not such a sum is that of a
 * micro-batch, and then a mean: the statistics of batch norm, and losses of the regions or
 * the hardest pixels of a batch (`objectives/criterion.ts`). Where several ranks train
 * together, each has an equal part of every micro-batch.
 *
 * @module
 */
import { addGradients, computeGradient } from "../core/backward.ts";
import { sliceBatch } from "../core/batch.ts";
import type { ForwardContext, Network, NetworkOutput, Weights } from "../core/network.ts";
import { partStart, rankCount } from "../core/ranks.ts";
import * as tf from "../core/tf.ts";

/** Neighboring images of a batch. */
export interface MicroBatch {
  /** The index of the first one in the batch. */
  readonly start: number;
  readonly size: number;
  /** The number of images in the batch. */
  readonly batchSize: number;
}

/**
 * Splits a batch.
 *
 * @throws {RangeError} If the micro-batches cannot be of one size.
 */
export function splitMicroBatches(
  batchSize: number,
  accumulationSteps: number,
): readonly MicroBatch[] {
  if (batchSize % accumulationSteps !== 0) {
    throw new RangeError(
      `Cannot split a batch of ${batchSize} into ${accumulationSteps} micro-batches: ` +
        '"optimizer.accumulationSteps" must divide it',
    );
  }
  const size = batchSize / accumulationSteps;
  return Array.from(
    { length: accumulationSteps },
    (_, i) => ({ start: i * size, size, batchSize }),
  );
}

/** The micro-batch of a tensor whose first axis is the batch. */
export function sliceMicroBatch<T extends tf.Tensor>(
  whole: T,
  { start, size }: MicroBatch,
): T {
  return sliceBatch(whole, start, size);
}

/** What a mean over a micro-batch contributes to the mean over the batch. */
export function scaleToBatch(
  mean: tf.Scalar,
  { size, batchSize }: MicroBatch,
): tf.Scalar {
  return size === batchSize ? mean : tf.mul(mean, size / batchSize);
}

/**
 * The gradient of the mean of the losses of a batch's micro-batches, and of what `lossOf`
 * adds to it.
 *
 * @param contextAt The context of a forward pass, by the index of its first image in the
 * batch of all ranks.
 * @param meanOf The loss of a micro-batch as if it were the batch.
 * @param lossOf The loss that a micro-batch contributes, given its share of the mean.
 */
export function accumulateGradient(
  network: Network,
  student: Weights,
  images: tf.Tensor4D,
  accumulationSteps: number,
  contextAt: (sampleOffset: number) => ForwardContext,
  meanOf: (output: NetworkOutput, microBatch: MicroBatch) => tf.Scalar,
  lossOf: (part: tf.Scalar, output: NetworkOutput, microBatch: MicroBatch) => tf.Scalar,
): Weights {
  let total: Weights = new Map();
  for (const microBatch of splitMicroBatches(images.shape[0], accumulationSteps)) {
    const gradient = computeGradient(network.parameters, student, () => {
      const microImages = sliceMicroBatch(images, microBatch);
      const { start, size } = microBatch;
      const context = contextAt(start * rankCount() + partStart(size));
      const output = network.forward(student, microImages, context);
      const part = scaleToBatch(meanOf(output, microBatch), microBatch);
      return lossOf(part, output, microBatch);
    });
    total = addGradients(total, gradient);
  }
  return total;
}
