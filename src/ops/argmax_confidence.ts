import type * as tf from "../core/tf.ts";
import * as kernel from "../kernels/argmax_confidence/mod.ts";

/** What a network believes of each pixel. */
export interface Belief {
  /** Most probable class; of equal ones the first. int32. [B, H, W] */
  readonly labels: tf.Tensor;
  /** Its probability under softmax, 1/C … 1. [B, H, W] */
  readonly confidence: tf.Tensor;
}

/**
 * The most probable class of each pixel and its probability, in one pass. No gradient.
 *
 * @param logits [B, H, W, C]
 * @returns Two tensors; the caller owns them.
 */
export function argmaxConfidence(logits: tf.Tensor): Belief {
  const [labels, confidence] = kernel.argmaxConfidence(logits);
  return { labels, confidence };
}
