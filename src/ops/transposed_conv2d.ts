import * as tf from "../core/tf.ts";
import { matMul } from "./mat_mul/mat_mul.ts";

/**
 * Transposed convolution whose stride equals its filter, so that patches do not overlap.
 *
 *   y[b, h·S + i, w·S + j, o] = Σ over c of x[b, h, w, c] · filter[i, j, o, c]
 *
 * One matrix product, then a rearrangement.
 *
 * @param x [B, H, W, C]
 * @param filter As tfjs's `conv2dTranspose` takes it. [S, S, O, C]
 * @returns [B, H·S, W·S, O]; the caller owns it.
 * @throws {RangeError} If the filter is not square or its channels are not those of x.
 */
export function transposedConv2d(x: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor4D {
  const [B, H, W, C] = x.shape;
  const [S, KW, O, channels] = filter.shape;
  if (S !== KW || C !== channels) {
    throw new RangeError(
      `Cannot convolve maps of ${C} channels with a filter of [${filter.shape}]: it must ` +
        `be [S, S, O, ${C}]`,
    );
  }
  return tf.tidy(() => {
    const pixels = tf.reshape<tf.Rank.R2>(x, [B * H * W, C]);
    const matrix = tf.reshape<tf.Rank.R2>(filter, [S * S * O, C]);
    const product = matMul(pixels, matrix, { transposeB: true }); // [B·H·W, S·S·O]
    const patches = tf.reshape(product, [B * H, W, S, S * O]);
    const rows = tf.transpose(patches, [0, 2, 1, 3]); // [B·H, S, W, S·O]
    return tf.reshape(rows, [B, H * S, W * S, O]);
  });
}
