import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/upsampled_cross_entropy/mod.ts";
import { softmaxCrossEntropy } from "./cross_entropy.ts";

/**
 * Sum of the softmax cross entropy of logits that are enlarged to the size of the labels.
 *
 * L = Σ over pixels of w · (log Σ_c exp(z_c) − z_label), z being the bilinear enlargement of
 * the logits (see `resizeBilinear`) and pixels whose label is no class counting 0. The
 * enlarged logits are never stored, neither here nor for the gradient.
 *
 * @param logits [B, h, w, C]
 * @param labels int32, 0 … C − 1; anything else (255) is ignored. [B, H, W]
 * @param weights w of every pixel, without gradient, or null for 1. [B, H, W]
 * @returns A scalar; the caller owns it.
 * @throws {RangeError} If labels or weights do not fit.
 */
export function upsampledCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  weights: tf.Tensor | null,
  { alignCorners = false }: { readonly alignCorners?: boolean } = {},
): tf.Scalar {
  const [B, height = 0, width = 0, classes = 0] = logits.shape;
  const [images, outHeight = 0, outWidth = 0] = labels.shape;
  if (logits.rank !== 4 || labels.rank !== 3 || B !== images) {
    throw new RangeError(
      `Cannot judge logits [${logits.shape}] by labels [${labels.shape}]: "logits" must be ` +
        '[B, h, w, C] and "labels" [B, H, W]',
    );
  }
  if (weights !== null && weights.size !== labels.size) {
    throw new RangeError(
      `Cannot weigh ${labels.size} pixels with ${weights.size} weights: "weights" must be ` +
        `[${labels.shape}]`,
    );
  }
  if (height === outHeight && width === outWidth && tf.getBackend() === "webgpu") {
    // Nothing to enlarge: there, simpler kernels take half the time.
    return sumOf(logits, labels, weights);
  }
  const sizes = {
    height,
    width,
    classes,
    outHeight,
    outWidth,
    alignCorners: alignCorners ? 1 : 0,
  };
  return tf.differentiable<tf.Scalar>(
    { logits },
    (save) => {
      const judged = { logits, labels, weights };
      const [sum, slopes] = kernel.upsampledCrossEntropy(judged, sizes, tf.isTaping());
      // The gradient is as small as the logits: keeping it is cheaper than the means to
      // compute it later.
      if (slopes !== null) save([slopes]);
      return sum;
    },
    (dy, [slopes]) => ({ logits: () => tf.mul(slopes as tf.Tensor, dy) }),
  );
}

function sumOf(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor | null) {
  return tf.tidy(() => {
    const losses = softmaxCrossEntropy(logits, labels);
    const weighted = weights === null ? losses : tf.mul(losses, weights);
    // Row by row: short float32 sums lose less than one long one.
    return tf.sum<tf.Scalar>(tf.sum(weighted, -1));
  });
}
