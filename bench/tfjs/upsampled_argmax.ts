import * as tf from "../../src/core/tf.ts";
import type { UpsampledArgmax } from "../../src/ops/argmax_confidence/upsampled_argmax.ts";
import { argmaxConfidence } from "./argmax_confidence.ts";
import { resizeBilinear } from "./resize.ts";

/** Upsamples, then softmax, its largest value and where it is, and the confident share. */
export function upsampledArgmax(
  logits: tf.Tensor4D,
  size: readonly [number, number],
  threshold: number,
  options: { readonly alignCorners?: boolean } = {},
): UpsampledArgmax {
  return tf.tidy(() => {
    const argmax = argmaxConfidence(resizeBilinear(logits, size, options));
    const confident = tf.cast(tf.greaterEqual(argmax.confidence, threshold), "float32");
    return { ...argmax, confidentShare: tf.mean(confident) };
  }) as unknown as UpsampledArgmax;
}
