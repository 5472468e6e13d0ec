/** Products of matrices whose sums run over pixels, and so are long. @module */
import * as tf from "../core/tf.ts";
import { matMulWithoutGradient } from "./mat_mul/mat_mul.ts";
import { fusedMatMul, splitKMatMul } from "./mat_mul/fused_mat_mul.ts";

/**
 * Σ over the rows r of aᵀ[r] · b[r]: the gradient of a matrix that was applied to rows.
 *
 * The rows are the pixels of a batch, so the sums are long, and a plain float32 sum of
 * many terms of either sign is off by more than its terms are. Blocks of equal length are
 * multiplied apart and added afterwards, which is as exact as PyTorch's product.
 *
 * @param a [R, I]
 * @param b [R, O]
 * @returns [I, O]; the caller owns it. No gradient.
 */
export function sumOfOuterProducts(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  return tf.getBackend() === "webgpu"
    ? splitKMatMul(a, b)
    : fusedMatMul(a, b, { transposeA: true }) as tf.Tensor2D;
}

/**
 * The products of all pairs of columns, G = Xᵀ·X for each matrix of a batch.
 *
 * A softmax over G feels its absolute error, so the sums over the rows are those of
 * {@linkcode sumOfOuterProducts}.
 *
 * @param x [B, N, C]
 * @returns [B, C, C]; the caller owns it.
 */
export function gramMatrix(x: tf.Tensor3D): tf.Tensor3D {
  return tf.differentiable(
    { x },
    (save) => {
      save([x]);
      if (tf.getBackend() !== "webgpu") return fusedMatMul(x, x, { transposeA: true });
      const matrices = tf.unstack(x) as tf.Tensor2D[];
      const products = matrices.map((rows) => sumOfOuterProducts(rows, rows));
      return tf.stack(products);
    },
    (dy, [x]) => ({
      // dX = X·(dG + dGᵀ)
      x: () =>
        matMulWithoutGradient(x as tf.Tensor3D, tf.add(dy, tf.transpose(dy, [0, 2, 1]))),
    }),
  );
}
