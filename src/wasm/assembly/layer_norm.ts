/** Layer norm over the rows of a matrix [rows, C], and its gradients. */
import { multiplyAdd } from "./simd";
import { ROWS_PER_ITEM } from "./sums";
import {
  addUpToDoubles,
  FLOAT,
  highDoubles,
  lanesWithin,
  loadUpTo,
  lowDoubles,
  storeUpTo,
  sumOfDoubles,
} from "./vectors";

/**
 * y = (x − mean) · rstd · scale + shift for each row, moments = mean and rstd.
 *
 * Items are 64 rows.
 *
 * @param moments [rows, 2]
 */
export function layerNorm(
  x: usize,
  rows: i32,
  C: i32,
  scale: usize,
  shift: usize,
  epsilon: f64,
  y: usize,
  moments: usize,
  begin: i32,
  end: i32,
): void {
  const rowBytes = FLOAT * <usize> C;
  for (let row = begin * ROWS_PER_ITEM; row < min(end * ROWS_PER_ITEM, rows); row++) {
    const from = x + row * rowBytes, to = y + row * rowBytes;
    const mean = <f32> (sumOfRow(from, rowBytes) / C);
    const center = f32x4.splat(mean);
    const variance = sumOfSquares(from, rowBytes, center) / C;
    const rstd = <f32> (1 / Math.sqrt(variance + epsilon));
    const factor = f32x4.splat(rstd);
    for (let c: usize = 0; c < rowBytes; c += 16) {
      const bytes: isize = rowBytes - c;
      const n = f32x4.mul(f32x4.sub(loadUpTo(from + c, bytes), center), factor);
      const offset = loadUpTo(shift + c, bytes);
      storeUpTo(to + c, multiplyAdd(n, loadUpTo(scale + c, bytes), offset), bytes);
    }
    store<f32>(moments + 8 * <usize> row, mean);
    store<f32>(moments + 8 * <usize> row, rstd, 4);
  }
}

function sumOfRow(x: usize, rowBytes: usize): f64 {
  let sum = f64x2.splat(0);
  for (let c: usize = 0; c < rowBytes; c += 16) {
    const four = loadUpTo(x + c, rowBytes - c);
    sum = f64x2.add(sum, f64x2.add(lowDoubles(four), highDoubles(four)));
  }
  return sumOfDoubles(sum);
}

// Σ (x − center)²
function sumOfSquares(x: usize, rowBytes: usize, center: v128): f64 {
  let sum = f64x2.splat(0);
  for (let c: usize = 0; c < rowBytes; c += 16) {
    const d = differenceOf(x + c, rowBytes - c, center);
    const squares = f32x4.mul(d, d);
    sum = f64x2.add(sum, f64x2.add(lowDoubles(squares), highDoubles(squares)));
  }
  return sumOfDoubles(sum);
}

// x − center; 0 beyond the end, where x is read as 0.
function differenceOf(x: usize, bytes: isize, center: v128): v128 {
  const d = f32x4.sub(loadUpTo(x, bytes), center);
  return bytes >= 16 ? d : v128.and(d, lanesWithin(bytes));
}

/**
 * Per row, with g = dy · scale and n = (x − mean) · rstd:
 *
 *   dx = rstd · (g − mean(g) − n · mean(g · n))
 *   partial[item, 0] = Σ over the item's rows of dy · n, partial[item, 1] = Σ of dy
 *
 * Items are 64 rows.
 *
 * @param moments Mean and rstd. [rows, 2]
 * @param partial [items, 2, C], float64.
 */
export function layerNormGradients(
  x: usize,
  dy: usize,
  rows: i32,
  C: i32,
  scale: usize,
  moments: usize,
  dx: usize,
  partial: usize,
  begin: i32,
  end: i32,
): void {
  const rowBytes = FLOAT * <usize> C;
  const partialBytes = 4 * rowBytes;
  memory.fill(partial + begin * partialBytes, 0, <usize> (end - begin) * partialBytes);
  for (let row = begin * ROWS_PER_ITEM; row < min(end * ROWS_PER_ITEM, rows); row++) {
    const start = row * rowBytes;
    const mean = v128.load32_splat(moments + 8 * <usize> row);
    const rstd = v128.load32_splat(moments + 8 * <usize> row, 4);
    const sums = partial + row / ROWS_PER_ITEM * partialBytes;
    let sum = f64x2.splat(0), products = f64x2.splat(0);
    for (let c: usize = 0; c < rowBytes; c += 16) {
      const bytes: isize = rowBytes - c;
      const gradient = loadUpTo(dy + start + c, bytes);
      const n = f32x4.mul(differenceOf(x + start + c, bytes, mean), rstd);
      const g = f32x4.mul(gradient, loadUpTo(scale + c, bytes));
      const product = f32x4.mul(g, n);
      sum = f64x2.add(sum, f64x2.add(lowDoubles(g), highDoubles(g)));
      products = f64x2.add(products, f64x2.add(lowDoubles(product), highDoubles(product)));
      addUpToDoubles(sums + 2 * c, f32x4.mul(gradient, n), bytes);
      addUpToDoubles(sums + 2 * rowBytes + 2 * c, gradient, bytes);
    }
    const meanOfG = f32x4.splat(<f32> (sumOfDoubles(sum) / C));
    const correlation = f32x4.splat(<f32> (sumOfDoubles(products) / C));
    for (let c: usize = 0; c < rowBytes; c += 16) {
      const bytes: isize = rowBytes - c;
      const g = f32x4.mul(loadUpTo(dy + start + c, bytes), loadUpTo(scale + c, bytes));
      const n = f32x4.mul(f32x4.sub(loadUpTo(x + start + c, bytes), mean), rstd);
      const rest = f32x4.sub(f32x4.sub(g, meanOfG), f32x4.mul(n, correlation));
      storeUpTo(dx + start + c, f32x4.mul(rest, rstd), bytes);
    }
  }
}
