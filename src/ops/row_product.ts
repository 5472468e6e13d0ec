import * as tf from "../core/tf.ts";
import { columnSum } from "../kernels/column_sum/mod.ts";
import { matMulShares } from "../kernels/matmul/shares.ts";

// Rows that one float32 sum may run over; longer ones lose digits.
const LONGEST_SUM = 256;

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
export function rowProduct(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  if (tf.getBackend() === "webgpu") return matMulShares(a, b);
  const [R, I] = a.shape;
  const O = b.shape[1];
  const count = blocksOf(R);
  if (count === 1) return tf.matMul(a, b, true, false);
  return tf.tidy(() => {
    const split = (x: tf.Tensor2D, columns: number) =>
      tf.reshape(x, [count, R / count, columns]);
    const products = tf.matMul(split(a, I), split(b, O), true, false); // [count, I, O]
    return tf.reshape(columnSum(tf.reshape(products, [count, I * O])), [I, O]);
  });
}

// The fewest equal blocks that are short enough, or 1 if the rows have no such divisor.
function blocksOf(rows: number): number {
  const least = Math.ceil(rows / LONGEST_SUM);
  for (let count = least; count <= 4 * least; count++) {
    if (rows % count === 0) return count;
  }
  return 1;
}
