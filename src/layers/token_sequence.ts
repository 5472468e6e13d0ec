/** Tokens of a grid after others that have no place in it, as Vision Transformers have them. @module */
import * as tf from "../core/tf.ts";
import type { TokenGrid } from "../ops/position_bias/position_bias.ts";

/**
 * Puts learned tokens before the pixels of maps.
 *
 * @param first Class token and others. [1, K, C]
 * @param map [B, H, W, C]
 * @returns [B, 1, K + H·W, C]
 */
export function prependTokens(first: tf.Tensor3D, map: tf.Tensor4D): tf.Tensor4D {
  const [B, H, W, C] = map.shape;
  const [, K] = first.shape;
  const tokens = tf.tile(tf.reshape<tf.Rank.R4>(first, [1, 1, K, C]), [B, 1, 1, 1]);
  return tf.concat4d([tokens, tf.reshape(map, [B, 1, H * W, C])], 2);
}

/**
 * The tokens of a grid, which are the last ones, as maps.
 *
 * @param tokens [B, 1, K + H·W, C]
 * @returns [B, H, W, C]
 */
export function gridMap(tokens: tf.Tensor4D, [H, W]: TokenGrid): tf.Tensor4D {
  const [B, , N, C] = tokens.shape;
  const last = tf.slice4d(tokens, [0, 0, N - H * W, 0], [B, 1, H * W, C]);
  return tf.reshape(last, [B, H, W, C]);
}
