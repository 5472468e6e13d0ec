/** Products of matrices whose sums run over pixels, and so are long. @module */
import * as tf from "../core/tf.ts";
import { matMulWithoutGradient } from "./mat_mul/mat_mul.ts";
import { splitKMatMul } from "./mat_mul/webgpu.ts";
import { columnSum } from "./sums/sums.ts";

// Rows that one float32 sum may run over; longer ones lose digits.
const MAX_SUM_TERMS = 256;

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
  if (tf.getBackend() === "webgpu") return splitKMatMul(a, b);
  const [R, I] = a.shape;
  const O = b.shape[1];
  const count = blockCount(R);
  if (count === 1) return tf.matMul(a, b, true, false);
  return tf.tidy(() => {
    const split = (x: tf.Tensor2D, columns: number) =>
      tf.reshape(x, [count, R / count, columns]);
    const products = tf.matMul(split(a, I), split(b, O), true, false); // [count, I, O]
    return tf.reshape(columnSum(tf.reshape(products, [count, I * O])), [I, O]);
  });
}

// The fewest equal blocks that are short enough, or 1 if the rows have no such divisor.
function blockCount(rows: number): number {
  const minBlocks = Math.ceil(rows / MAX_SUM_TERMS);
  for (let count = minBlocks; count <= 4 * minBlocks; count++) {
    if (rows % count === 0) return count;
  }
  return 1;
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
