import * as tf from "../../src/core/tf.ts";
import { softmaxCrossEntropy } from "./cross_entropy.ts";
import { resizeBilinear } from "./resize.ts";

/** Upsamples, then log-softmax times one-hot labels, summed with their weights. */
export function upsampledCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  weights: tf.Tensor | null,
  options: { readonly alignCorners?: boolean } = {},
): tf.Scalar {
  return tf.tidy(() => {
    const [, H = 0, W = 0] = labels.shape;
    const upsampled = resizeBilinear(logits as tf.Tensor4D, [H, W], options);
    const losses = softmaxCrossEntropy(upsampled, labels);
    const weighted = weights === null ? losses : tf.mul(losses, weights);
    return tf.sum<tf.Scalar>(tf.sum(weighted, -1));
  });
}
