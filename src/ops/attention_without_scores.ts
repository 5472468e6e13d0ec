import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/attention/mod.ts";

/**
 * Multi-head softmax attention that never stores scores, see `attention.ts`; WebGPU only.
 *
 * @param heads Such that C / heads is a multiple of 4, at most 64.
 */
export function attentionWithoutScores(
  query: tf.Tensor3D,
  keyValue: tf.Tensor3D,
  heads: number,
): tf.Tensor3D {
  return tf.differentiable<tf.Tensor3D>(
    { query, keyValue },
    (save) => {
      const [out, logs] = kernel.attention(query, keyValue, heads);
      save([query, keyValue, out, logs]);
      return out;
    },
    (dy, saved) => {
      const [query, keyValue, out, logs] = saved as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const attended = { query, keyValue, out, logs };
      return {
        query: () => kernel.queryGradient(attended, dy, heads),
        keyValue: () => kernel.keyValueGradient(attended, dy, heads),
      };
    },
  );
}
