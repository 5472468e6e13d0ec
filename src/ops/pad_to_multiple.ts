import * as tf from "../core/tf.ts";

/**
 * Appends rows and columns of zeros until both sides are multiples of a number.
 *
 * @param x [B, H, W, C]
 * @param multiple In pixels.
 * @returns x itself if nothing is missing, else a tensor that the caller owns.
 */
export function padToMultiple(x: tf.Tensor4D, multiple: number): tf.Tensor4D {
  const [, H, W] = x.shape;
  const missing = (side: number) => Math.ceil(side / multiple) * multiple - side;
  const [down, right] = [missing(H), missing(W)];
  if (down === 0 && right === 0) return x;
  return tf.pad(x, [[0, 0], [0, down], [0, right], [0, 0]]);
}
