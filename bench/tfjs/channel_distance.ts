import * as tf from "../../src/core/tf.ts";

// Keeps the root's gradient finite where the maps are equal.
const SMALLEST_SQUARE = 1e-30;

/** Root of the sum of squares. */
export function channelDistance(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const squares = tf.sum(tf.square(tf.sub(a, b)), -1);
    return tf.sqrt(tf.maximum(squares, SMALLEST_SQUARE));
  });
}
