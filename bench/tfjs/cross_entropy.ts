import * as tf from "../../src/core/tf.ts";

/** Log-softmax times one-hot labels, whose row is zero where the label is no class. */
export function softmaxCrossEntropy(logits: tf.Tensor, labels: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const classes = logits.shape[logits.rank - 1] ?? 1;
    // Asked for float32, wasm writes integers all the same.
    const truth = tf.cast(tf.oneHot(labels as tf.Tensor1D, classes), "float32");
    return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), truth), -1));
  });
}
