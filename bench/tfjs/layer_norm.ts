import * as tf from "../../src/core/tf.ts";
import type * as ours from "../../src/ops/layer_norm/layer_norm.ts";

/** Layer norm of moments and four more operations. */
export const layerNorm: typeof ours.layerNorm = (x, scale, shift, epsilon) =>
  tf.tidy(() => {
    const { mean, variance } = tf.moments(x, -1, true);
    const normalized = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
    return tf.add(tf.mul(normalized, scale), shift);
  });
