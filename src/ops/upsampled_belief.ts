import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/upsampled_belief/mod.ts";
import { argmaxConfidence, type Belief } from "./argmax_confidence.ts";

/** What a network believes of each pixel, and how often it is sure. */
export interface CountedBelief extends Belief {
  /** The share of pixels whose confidence is at least the threshold. A scalar. */
  readonly share: tf.Tensor;
}

/**
 * The most probable class of each pixel of enlarged logits and its probability, in one
 * pass. No gradient.
 *
 * The logits are enlarged as by `resizeBilinear`, but never stored at that size.
 *
 * @param logits [B, h, w, C]
 * @param size Height and width of the results, in pixels.
 * @param threshold 0 … 1
 * @returns Three tensors; the caller owns them.
 */
export function upsampledBelief(
  logits: tf.Tensor4D,
  [outHeight, outWidth]: readonly [number, number],
  threshold: number,
  { alignCorners = false }: { readonly alignCorners?: boolean } = {},
): CountedBelief {
  const [, height, width, classes] = logits.shape;
  if (height === outHeight && width === outWidth && tf.getBackend() === "webgpu") {
    // Nothing to enlarge: there, a simpler kernel is faster.
    return countedBelief(logits, threshold);
  }
  const [labels, confidence, share] = kernel.upsampledBelief(logits, threshold, {
    height,
    width,
    classes,
    outHeight,
    outWidth,
    alignCorners: alignCorners ? 1 : 0,
  });
  return { labels, confidence, share };
}

function countedBelief(logits: tf.Tensor, threshold: number): CountedBelief {
  return tf.tidy(() => {
    const { labels, confidence } = argmaxConfidence(logits);
    const sure = tf.cast(tf.greaterEqual(confidence, threshold), "float32");
    return { labels, confidence, share: tf.mean(sure) };
  });
}
