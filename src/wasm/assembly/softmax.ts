/** Softmax over the rows of a matrix [rows, C], and its gradient. */
import { expNonPositive } from "./exponential";
import { multiplyAdd } from "./simd";
import { ROWS_PER_ITEM } from "./sums";
import {
  FLOAT,
  lanesWithin,
  largestOfFour,
  loadFew,
  loadUpTo,
  storeFew,
  storeUpTo,
  sumOfFour,
} from "./vectors";

/** y[r, c] = exp(x[r, c]) / Σ over k of exp(x[r, k]). Items: 64 rows. */
export function softmax(
  x: usize,
  rows: i32,
  C: i32,
  y: usize,
  begin: i32,
  end: i32,
): void {
  const rowBytes = FLOAT * <usize> C;
  for (let row = begin * ROWS_PER_ITEM; row < min(end * ROWS_PER_ITEM, rows); row++) {
    const from = x + row * rowBytes, to = y + row * rowBytes;
    const largest = f32x4.splat(largestOfRow(from, rowBytes));
    const sum = exponentials(from, to, rowBytes, largest);
    multiplyRow(to, rowBytes, f32x4.splat(1 / sum));
  }
}

/** The largest element; NaN may be passed over: the sum of exponentials still meets it. */
export function largestOfRow(x: usize, rowBytes: usize): f32 {
  let largest = v128.load32_splat(x);
  let c: usize = 0;
  for (; c + 16 <= rowBytes; c += 16) largest = f32x4.pmax(largest, v128.load(x + c));
  for (; c < rowBytes; c += FLOAT) largest = f32x4.pmax(largest, v128.load32_splat(x + c));
  return largestOfFour(largest);
}

/** y = exp(x − largest); returns the sum. */
export function exponentials(x: usize, y: usize, rowBytes: usize, largest: v128): f32 {
  let sum = f32x4.splat(0);
  let c: usize = 0;
  for (; c + 16 <= rowBytes; c += 16) {
    const e = expNonPositive(f32x4.sub(v128.load(x + c), largest));
    v128.store(y + c, e);
    sum = f32x4.add(sum, e);
  }
  const bytes: isize = rowBytes - c;
  const e = expNonPositive(f32x4.sub(loadFew(x + c, bytes), largest));
  storeFew(y + c, e, bytes);
  return sumOfFour(f32x4.add(sum, v128.and(e, lanesWithin(bytes))));
}

/** y = y · factor. */
export function multiplyRow(y: usize, rowBytes: usize, factor: v128): void {
  for (let c: usize = 0; c < rowBytes; c += 16) {
    const bytes: isize = rowBytes - c;
    storeUpTo(y + c, f32x4.mul(loadUpTo(y + c, bytes), factor), bytes);
  }
}

/** dx = y · (dy − Σ over the row of dy · y). Items: 64 rows. */
export function softmaxGradient(
  y: usize,
  dy: usize,
  rows: i32,
  C: i32,
  dx: usize,
  begin: i32,
  end: i32,
): void {
  const rowBytes = FLOAT * <usize> C;
  for (let row = begin * ROWS_PER_ITEM; row < min(end * ROWS_PER_ITEM, rows); row++) {
    const start = row * rowBytes;
    let sum = f32x4.splat(0);
    for (let c: usize = 0; c < rowBytes; c += 16) {
      const bytes: isize = rowBytes - c;
      sum = multiplyAdd(loadUpTo(dy + start + c, bytes), loadUpTo(y + start + c, bytes), sum);
    }
    const mean = f32x4.splat(sumOfFour(sum));
    for (let c: usize = 0; c < rowBytes; c += 16) {
      const bytes: isize = rowBytes - c;
      const rest = f32x4.sub(loadUpTo(dy + start + c, bytes), mean);
      storeUpTo(dx + start + c, f32x4.mul(loadUpTo(y + start + c, bytes), rest), bytes);
    }
  }
}
