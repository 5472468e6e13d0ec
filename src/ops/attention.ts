import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/attention/mod.ts";
import { matMul } from "./mat_mul.ts";

/**
 * Multi-head softmax attention, softmax(Q·Kᵀ / √D)·V for each head of D = C / heads.
 *
 * On a device, heads of few channels go without ever storing the N × M scores where nobody
 * asks for gradients, or where scores would take much memory: gradients compute them again,
 * as in Dao et al., "FlashAttention" (NeurIPS 2022), https://arxiv.org/abs/2205.14135.
 *
 * @param query [B, N, C]
 * @param keyValue Keys first, then values. [B, M, 2C]
 * @param heads Divides C.
 * @returns [B, N, C]; the caller owns it.
 */
export function attention(
  query: tf.Tensor3D,
  keyValue: tf.Tensor3D,
  heads: number,
): tf.Tensor3D {
  const [B, N, C] = query.shape;
  const scores = B * heads * N * keyValue.shape[1];
  const fits = kernel.canAttend(C / heads, scores, tf.isTaping());
  return tf.getBackend() === "webgpu" && fits
    ? attentionWithoutScores(query, keyValue, heads)
    : attentionByScores(query, keyValue, heads);
}

/**
 * {@linkcode attention} that never stores scores; WebGPU only.
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

/** {@linkcode attention} in steps, on every backend. */
export function attentionByScores(
  query: tf.Tensor3D,
  keyValue: tf.Tensor3D,
  heads: number,
): tf.Tensor3D {
  const [B, N, C] = query.shape;
  const M = keyValue.shape[1];
  const D = C / heads;
  return tf.tidy(() => {
    const split = (x: tf.Tensor, count: number) =>
      tf.transpose(tf.reshape(x, [B, count, heads, D]), [0, 2, 1, 3]);
    const q = split(query, N); // [B, heads, N, D]
    const k = split(tf.slice(keyValue, [0, 0, 0], [B, M, C]), M); // [B, heads, M, D]
    const v = split(tf.slice(keyValue, [0, 0, C], [B, M, C]), M); // [B, heads, M, D]
    const scores = tf.mul(matMul(q, k, { transposeB: true }), D ** -0.5); // [B, heads, N, M]
    const mixed = matMul(tf.softmax(scores), v); // [B, heads, N, D]
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B, N, C]);
  });
}
