import * as tf from "../core/tf.ts";
import { isValid } from "./valid_cross_entropy.ts";

/**
 * The share of pixels that two opinions label alike, among those that either labels at
 * all; 1 if there are none.
 *
 * @param a int32, 255 for no label. [B, H, W]
 * @param b Likewise.
 * @returns A scalar in 0 … 1; the caller owns it.
 */
export function agreement(a: tf.Tensor, b: tf.Tensor): tf.Scalar {
  return tf.tidy(() => {
    const either = tf.cast(tf.logicalOr(isValid(a), isValid(b)), "float32");
    const differ = tf.cast(tf.notEqual(a, b), "float32");
    return tf.sub(1, tf.div(tf.sum(differ), tf.maximum(tf.sum(either), 1)));
  });
}
