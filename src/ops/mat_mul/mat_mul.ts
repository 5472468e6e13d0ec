import * as tf from "../../core/tf.ts";
import { fusedMatMul, type Transpositions } from "./fused_mat_mul.ts";

export type { Transpositions } from "./fused_mat_mul.ts";

/**
 * a · b, or a · bᵀ, for each matrix of a batch, with both gradients.
 *
 * @param a [..., M, K]
 * @param b The same leading axes. [..., K, N], or [..., N, K] if it is transposed.
 * @returns [..., M, N]; the caller owns it.
 */
export function matMul<T extends tf.Tensor>(
  a: tf.Tensor,
  b: tf.Tensor,
  { transposeB = false }: Omit<Transpositions, "transposeA"> = {},
): T {
  return tf.differentiable<T>(
    { a, b },
    (save) => {
      save([a, b]);
      return matMulWithoutGradient(a, b, { transposeB });
    },
    (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      return {
        a: () => matMulWithoutGradient(dy, b, { transposeB: !transposeB }),
        b: () =>
          transposeB
            ? matMulWithoutGradient(dy, a, { transposeA: true })
            : matMulWithoutGradient(a, dy, { transposeA: true }),
      };
    },
  );
}

/**
 * A product without gradient: see {@linkcode fusedMatMul}.
 *
 * @returns op(a) · op(b) for each matrix of a batch; the caller owns it.
 */
export function matMulWithoutGradient(
  a: tf.Tensor,
  b: tf.Tensor,
  { transposeA = false, transposeB = false }: Transpositions = {},
): tf.Tensor {
  return fusedMatMul(a, b, { transposeA, transposeB });
}
