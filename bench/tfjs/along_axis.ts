import * as tf from "../../src/core/tf.ts";

/**
 * Applies a matrix along one axis: y[…, o, …] = Σ over i of matrix[i, o] · x[…, i, …].
 *
 * @param matrix [in, out]
 */
export function alongAxis(x: tf.Tensor, axis: number, matrix: tf.Tensor2D): tf.Tensor {
  const others = [...x.shape.keys()].filter((one) => one !== axis);
  const order = [axis, ...others];
  const back = [...x.shape.keys()].map((one) => order.indexOf(one));
  return tf.tidy(() => {
    const first = tf.transpose(x, order);
    const [length = 0, ...rest] = first.shape;
    const columns = tf.reshape<tf.Rank.R2>(first, [length, x.size / length]);
    const product = tf.matMul(matrix, columns, true, false); // [out, rest]
    return tf.transpose(tf.reshape(product, [matrix.shape[1], ...rest]), back);
  });
}
