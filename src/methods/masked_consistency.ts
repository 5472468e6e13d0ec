/**
 * Masked image consistency, a further term of any objective with pseudo-labels.
 *
 *   E(θ, b, φ) + μ·M(θ, b, φ), E being the host's, M its loss of masked images
 *
 * The student predicts, from images of which patches are masked, the labels that the host's
 * teacher gives to the whole images: those of the host's own pass, with its weights and its
 * loss. The images go through the student by themselves.
 *
 * Source: MIC, Hoyer et al. (CVPR 2023), https://arxiv.org/abs/2212.01322.
 *
 * @module
 */
import type { Batch } from "../core/batch.ts";
import type { Network, NetworkOutput, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { accumulateGradient, type MicroBatch } from "./gradient_accumulation.ts";
import { recordLoss, studentContext } from "./learner.ts";

/** Makes the masked images of one forward pass; its caller owns the result. */
export type MaskFunction = (
  images: tf.Tensor4D,
  batch: Batch,
  forwardIndex: number,
) => tf.Tensor4D;

/** The parts of the term. */
export interface MaskedConsistencyOptions {
  readonly network: Network;
  readonly seed: number;
  readonly mask: MaskFunction;
  /** μ */
  readonly lossWeight: number;
  /**
   * Micro-batches per batch, see `gradient_accumulation.ts`.
   * @default {1}
   */
  readonly accumulationSteps?: number;
}

/** What a host's pass gives to the term. */
export interface MaskedConsistencyInputs {
  readonly student: Weights;
  readonly batch: Batch;
  readonly forwardIndex: number;
  /** What is masked. [B, H, W, C] */
  readonly images: tf.Tensor4D;
  /** The loss of a micro-batch of them with their pseudo-labels, as if it were the batch. */
  readonly meanOf: (output: NetworkOutput, microBatch: MicroBatch) => tf.Scalar;
  /** Where M is put, as "masked". */
  readonly losses: Map<string, tf.Scalar>;
}

/** Computes ∇(μ·M); the caller releases it. */
export type MaskedConsistency = (inputs: MaskedConsistencyInputs) => Weights;

/** Builds the term. */
export function maskedConsistency(
  { network, seed, mask, lossWeight, accumulationSteps = 1 }: MaskedConsistencyOptions,
): MaskedConsistency {
  return ({ student, batch, forwardIndex, images, meanOf, losses }) => {
    const masked = mask(images, batch, forwardIndex);
    const gradient = accumulateGradient(
      network,
      student,
      masked,
      accumulationSteps,
      (start) => studentContext(seed, "masked", forwardIndex, start),
      meanOf,
      (part) => tf.mul(recordLoss(losses, "masked", part), lossWeight),
    );
    masked.dispose();
    return gradient;
  };
}
