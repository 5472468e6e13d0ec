/**
 * Gradient accumulation: a batch is learned from in micro-batches, so that only the feature
 * maps of one micro-batch are in memory at a time.
 *
 * The loss of a batch is a sum over its images with divisors of the whole batch, and every
 * image keeps its own draws of dropout, so the sum of the micro-batches' gradients is that
 * of the batch, but for the order of float32 sums. Batch norm is the exception: it takes
 * its statistics from a micro-batch.
 *
 * @module
 */
import { addGradients, computeGradient } from "../core/backward.ts";
import { sliceBatch } from "../core/batch.ts";
import type { ForwardContext, Network, NetworkOutput, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { lossWithAuxiliary, meanCrossEntropy } from "../objectives/cross_entropy.ts";

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

/** What a cross entropy is computed from; no pixel weights mean 1. */
interface WeightedSamples {
  readonly images: tf.Tensor4D;
  readonly labels: tf.Tensor;
  readonly pixelWeights: tf.Tensor | null;
}

/**
 * The gradient of the mean cross entropy of a batch with its auxiliary losses, and of what
 * `lossOf` adds to it.
 *
 * @param contextAt The context of a forward pass, by the index of its first image.
 * @param lossOf The loss of a micro-batch, given the part of the cross entropy.
 */
export function accumulateCrossEntropy(
  network: Network,
  student: Weights,
  { images, labels, pixelWeights }: WeightedSamples,
  accumulationSteps: number,
  contextAt: (start: number) => ForwardContext,
  lossOf: (part: tf.Scalar, output: NetworkOutput, microBatch: MicroBatch) => tf.Scalar,
): Weights {
  let total: Weights = new Map();
  for (const microBatch of splitMicroBatches(images.shape[0], accumulationSteps)) {
    const gradient = computeGradient(network.parameters, student, () => {
      const microImages = sliceMicroBatch(images, microBatch);
      const microLabels = sliceMicroBatch(labels, microBatch);
      const weights = pixelWeights && sliceMicroBatch(pixelWeights, microBatch);
      const context = contextAt(microBatch.start);
      const output = network.forward(student, microImages, context);
      const mean = lossWithAuxiliary(
        output,
        (logits) => meanCrossEntropy(logits, microLabels, weights, network.decoder),
      );
      return lossOf(scaleToBatch(mean, microBatch), output, microBatch);
    });
    total = addGradients(total, gradient);
  }
  return total;
}
