/**
 * Masked image consistency, a further term of any objective with pseudo-labels.
 *
 *   E(θ, b, φ) + μ·M(θ, b, φ), E being the host's, M its loss of masked images
 *
 * The student predicts, from images of which patches are masked, the labels that the host's
 * teacher gives to the whole images: those of the host's own pass, with its weights and its
 * loss. The images go through the student by themselves. Or the images are whole, and the
 * encoder's mask token replaces some of their tokens.
 *
 * Source: MIC, Hoyer et al. (CVPR 2023), https://arxiv.org/abs/2212.01322; tokens: VFM-UDA,
 * Englert et al. (CVPR workshops 2024), https://arxiv.org/abs/2406.09896.
 *
 * @module
 */
import type { Batch } from "../core/batch.ts";
import {
  deriveRngKey,
  type ForwardContext,
  type Network,
  type NetworkOutput,
  type RngKey,
  type Weights,
} from "../core/network.ts";
import { hashStreamName } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { accumulateGradient, type MicroBatch } from "./gradient_accumulation.ts";
import { recordLoss, studentContext } from "./learner.ts";

/** Makes the images of one forward pass, masked or not; its caller owns the result. */
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
  /**
   * Draws which tokens the encoder masks, which needs one with a mask token.
   * @default {null: none}
   */
  readonly maskTokens?:
    | ((shape: [number, number, number, 1], key: RngKey) => tf.Tensor4D)
    | null;
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
  { network, seed, mask, maskTokens = null, lossWeight, accumulationSteps = 1 }:
    MaskedConsistencyOptions,
): MaskedConsistency {
  const contextAt = (forwardIndex: number, sampleOffset: number): ForwardContext => {
    const context = studentContext(seed, "masked", forwardIndex, { sampleOffset });
    if (maskTokens === null) return context;
    const stream = hashStreamName("masked/tokens");
    const key: RngKey = { seed, stream, iteration: forwardIndex, sampleOffset };
    return {
      ...context,
      tokenMask: (shape, draws) =>
        maskTokens(shape, draws === undefined ? key : deriveRngKey(key, draws)),
    };
  };
  return ({ student, batch, forwardIndex, images, meanOf, losses }) => {
    const masked = mask(images, batch, forwardIndex);
    const gradient = accumulateGradient(
      network,
      student,
      masked,
      accumulationSteps,
      (sampleOffset) => contextAt(forwardIndex, sampleOffset),
      meanOf,
      (part) => tf.mul(recordLoss(losses, "masked", part), lossWeight),
    );
    masked.dispose();
    return gradient;
  };
}
