import * as tf from "../core/tf.ts";
import { matMul as kernel } from "../kernels/matmul/mod.ts";

/** Which factors of {@linkcode product} are transposed. */
export interface Transposed {
  /** @default {false} */
  readonly a?: boolean;
  /** @default {false} */
  readonly b?: boolean;
}

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
  { transposeB = false }: { readonly transposeB?: boolean } = {},
): T {
  return tf.differentiable<T>(
    { a, b },
    (save) => {
      save([a, b]);
      return product(a, b, { b: transposeB });
    },
    (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      return {
        a: () => product(dy, b, { b: !transposeB }),
        b: () => transposeB ? product(dy, a, { a: true }) : product(a, dy, { a: true }),
      };
    },
  );
}

/**
 * A product without gradient: our kernel on webgpu, XNNPACK on wasm.
 *
 * @returns op(a) · op(b) for each matrix of a batch; the caller owns it.
 */
export function product(
  a: tf.Tensor,
  b: tf.Tensor,
  transposed: Transposed = {},
): tf.Tensor {
  const { a: transposeA = false, b: transposeB = false } = transposed;
  return tf.getBackend() === "webgpu"
    ? kernel(a, b, { transposeA, transposeB })
    : tf.matMul(a, b, transposeA, transposeB);
}
