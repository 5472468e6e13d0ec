import * as tf from "../../core/tf.ts";
import { columnSum } from "../column_sum/mod.ts";
import { tiling } from "../tile/shape.ts";
import { matMul } from "./mod.ts";

// Enough to keep a large GPU busy; each share costs a copy of the result.
const INVOCATIONS = 16_384;
// Shorter sums are not worth a share.
const ROWS_PER_SHARE = 256;

/**
 * aᵀ · b where the sums are long and the result is small: rows are shared out, and a
 * second pass adds the shares in their order.
 *
 * @param a [R, I]
 * @param b [R, O]
 * @returns [I, O]
 */
export function matMulShares(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  const [R, I] = a.shape;
  const O = b.shape[1];
  const own = tiling(I, O).invocations;
  const most = Math.max(1, Math.floor(R / ROWS_PER_SHARE));
  const wanted = Math.min(most, Math.ceil(INVOCATIONS / own));
  // A multiple of 4 keeps every share but the last aligned; the last is the shortest.
  const rows = Math.ceil(R / wanted / 4) * 4;
  const shares = Math.ceil(R / rows);
  if (shares === 1) return matMul(a, b, { transposeA: true }) as tf.Tensor2D;
  return tf.tidy(() => {
    const parts = matMul(a, b, { transposeA: true, rowsPerShare: rows });
    return tf.reshape(columnSum(tf.reshape(parts, [shares, I * O])), [I, O]);
  });
}
