import * as tf from "../../src/core/tf.ts";
import type { CountedBelief } from "../../src/ops/upsampled_belief.ts";
import { argmaxConfidence } from "./argmax_confidence.ts";
import { resizeBilinear } from "./resize_bilinear.ts";

/** Enlarges, then softmax, its largest value and where it is, and the confident share. */
export function upsampledBelief(
  logits: tf.Tensor4D,
  size: readonly [number, number],
  threshold: number,
  options: { readonly alignCorners?: boolean } = {},
): CountedBelief {
  return tf.tidy(() => {
    const belief = argmaxConfidence(resizeBilinear(logits, size, options));
    const sure = tf.cast(tf.greaterEqual(belief.confidence, threshold), "float32");
    return { ...belief, share: tf.mean(sure) };
  }) as unknown as CountedBelief;
}
