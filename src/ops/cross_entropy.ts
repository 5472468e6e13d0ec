import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/cross_entropy/mod.ts";

/**
 * Softmax cross entropy of each pixel.
 *
 * loss[r] = log Σ_c exp(z[r, c]) − z[r, label[r]], and 0 where the label is no class.
 *
 * @param logits [B, H, W, C]
 * @param labels int32, 0 … C − 1; anything else (255) is ignored. [B, H, W]
 * @returns [B, H, W]; the caller owns it.
 */
export function softmaxCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
): tf.Tensor {
  return tf.differentiable(
    { logits },
    (save) => {
      save([logits, labels]);
      return kernel.crossEntropy(logits, labels);
    },
    (dy, saved) => {
      const [logits, labels] = saved as [tf.Tensor, tf.Tensor];
      return { logits: () => kernel.crossEntropyGradient(logits, labels, dy) };
    },
  );
}
