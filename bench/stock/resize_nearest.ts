import * as tf from "../../src/core/tf.ts";

/** tfjs's own, without half-pixel centres. */
export function resizeNearest(
  x: tf.Tensor4D,
  [height, width]: readonly [number, number],
): tf.Tensor4D {
  return tf.image.resizeNearestNeighbor(x, [height, width], false, false);
}
