/** Euclidean distances of the rows of two matrices [rows, C], and the gradient. */
import { ROWS_PER_ITEM } from "./sums";
import {
  FLOAT,
  highDoubles,
  loadUpTo,
  lowDoubles,
  storeUpTo,
  sumOfDoubles,
} from "./vectors";

/** d[r] = √(Σ over c of (a − b)²). Items: 64 rows. */
export function channelDistance(
  a: usize,
  b: usize,
  rows: i32,
  C: i32,
  d: usize,
  begin: i32,
  end: i32,
): void {
  const rowBytes = FLOAT * <usize> C;
  for (let row = begin * ROWS_PER_ITEM; row < min(end * ROWS_PER_ITEM, rows); row++) {
    let sum = f64x2.splat(0);
    for (let c: usize = 0; c < rowBytes; c += 16) {
      const at = row * rowBytes + c;
      const bytes: isize = rowBytes - c;
      const difference = f32x4.sub(loadUpTo(a + at, bytes), loadUpTo(b + at, bytes));
      const squares = f32x4.mul(difference, difference);
      sum = f64x2.add(sum, f64x2.add(lowDoubles(squares), highDoubles(squares)));
    }
    store<f32>(d + FLOAT * <usize> row, <f32> Math.sqrt(sumOfDoubles(sum)));
  }
}

/** da = dd · (a − b) / d, and 0 where d is 0. Items: 64 rows. */
export function channelDistanceGradient(
  a: usize,
  b: usize,
  d: usize,
  dd: usize,
  rows: i32,
  C: i32,
  da: usize,
  begin: i32,
  end: i32,
): void {
  const rowBytes = FLOAT * <usize> C;
  for (let row = begin * ROWS_PER_ITEM; row < min(end * ROWS_PER_ITEM, rows); row++) {
    const at = FLOAT * <usize> row;
    const distance = load<f32>(d + at);
    const factor = f32x4.splat(distance > 0 ? load<f32>(dd + at) / distance : 0);
    for (let c: usize = 0; c < rowBytes; c += 16) {
      const at = row * rowBytes + c;
      const bytes: isize = rowBytes - c;
      const difference = f32x4.sub(loadUpTo(a + at, bytes), loadUpTo(b + at, bytes));
      storeUpTo(da + at, f32x4.mul(factor, difference), bytes);
    }
  }
}
