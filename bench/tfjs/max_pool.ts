import * as tf from "../../src/core/tf.ts";
import type { MaxPoolOptions } from "../../src/ops/pool/max_pool.ts";

/**
 * tfjs's own. On wasm, where its gradient is wrong unless a maximum is positive, of maps
 * that are moved above zero first.
 *
 * With `ceil` a last window that lies beyond the padded map is kept, unlike in PyTorch.
 */
export function maxPool(
  x: tf.Tensor4D,
  { window, stride = window, padding = 0, ceil = false }: MaxPoolOptions,
): tf.Tensor4D {
  const pool = (maps: tf.Tensor4D) =>
    tf.maxPool(maps, window, stride, padding, ceil ? "ceil" : "floor");
  if (tf.getBackend() !== "wasm") return pool(x);
  return tf.tidy(() => {
    const lowest = tf.differentiable({}, () => tf.sub(tf.min(x), 1), () => ({}));
    return tf.add(pool(tf.sub(x, lowest)), lowest);
  });
}
