import * as tf from "../../src/core/tf.ts";

/** tfjs's matrix product with bias and its own gradients. */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const [I = 0, O = 0] = weight.shape;
  return tf.tidy(() => {
    const product = tf.fused.matMul({
      a: tf.reshape(x, [x.size / I, I]),
      b: weight as tf.Tensor2D,
      ...(bias && { bias }),
    });
    return tf.reshape(product, [...x.shape.slice(0, -1), O]);
  });
}
