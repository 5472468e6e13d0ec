/**
 * Sums in a fixed order, whatever the number of threads: rows are summed in blocks of fixed
 * length, in float64, and the sums of the blocks are added one after the other.
 */
import { addUpToDoubles, FLOAT, loadUpTo } from "./vectors";

/** Rows whose sums are one item. */
export const ROWS_PER_ITEM: i32 = 64;

/** Elements of a sum of blocks that are one item. */
export const SUMS_PER_ITEM: i32 = 256;

/**
 * out[i] = Σ over blocks of partial[block, i], for the first `count` of `length` sums per
 * block. Items: 256 elements.
 */
export function addBlocks(
  partial: usize,
  blocks: i32,
  length: i32,
  count: i32,
  out: usize,
  begin: i32,
  end: i32,
): void {
  for (let i = begin * SUMS_PER_ITEM; i < min(end * SUMS_PER_ITEM, count); i++) {
    store<f32>(out + FLOAT * <usize> i, <f32> sumOfBlocks(partial, blocks, length, i));
  }
}

/** Σ over blocks of partial[block, i], of `length` float64 per block. */
export function sumOfBlocks(partial: usize, blocks: i32, length: i32, i: i32): f64 {
  let sum: f64 = 0;
  for (let block: i32 = 0; block < blocks; block++) {
    sum += load<f64>(partial + 8 * (<usize> block * length + i));
  }
  return sum;
}

/** partial[item, c] = Σ over the item's rows of a[row, c]. Items: 64 rows. */
export function sumRows(
  a: usize,
  rows: i32,
  columns: i32,
  partial: usize,
  begin: i32,
  end: i32,
): void {
  const rowBytes = FLOAT * <usize> columns;
  memory.fill(partial + 2 * rowBytes * begin, 0, 2 * rowBytes * <usize> (end - begin));
  for (let item = begin; item < end; item++) {
    const sums = partial + 2 * rowBytes * <usize> item;
    const last = min((item + 1) * ROWS_PER_ITEM, rows);
    let row = item * ROWS_PER_ITEM;
    for (; row + 4 <= last; row += 4) addFourRows(a + rowBytes * row, rowBytes, sums);
    for (; row < last; row++) {
      const from = a + rowBytes * row;
      for (let c: usize = 0; c < rowBytes; c += 16) {
        addUpToDoubles(sums + 2 * c, loadUpTo(from + c, rowBytes - c), rowBytes - c);
      }
    }
  }
}

// Four rows at a time, in float32, before they are added to the sums.
function addFourRows(a: usize, rowBytes: usize, sums: usize): void {
  for (let c: usize = 0; c < rowBytes; c += 16) {
    const bytes: isize = rowBytes - c;
    let at = a + c;
    let low = loadUpTo(at, bytes);
    low = f32x4.add(low, loadUpTo(at += rowBytes, bytes));
    let high = loadUpTo(at += rowBytes, bytes);
    high = f32x4.add(high, loadUpTo(at += rowBytes, bytes));
    addUpToDoubles(sums + 2 * c, f32x4.add(low, high), bytes);
  }
}

/** partial[item] = Σ of the item's elements. Items: 64 · 64 elements. */
export function sumElements(
  x: usize,
  count: i32,
  partial: usize,
  begin: i32,
  end: i32,
): void {
  for (let item = begin; item < end; item++) {
    const first = item * ROWS_PER_ITEM * ROWS_PER_ITEM;
    const last = min(first + ROWS_PER_ITEM * ROWS_PER_ITEM, count);
    let sum: f64 = 0;
    for (let i = first; i < last; i++) sum += load<f32>(x + FLOAT * <usize> i);
    store<f64>(partial + 8 * <usize> item, sum);
  }
}

/** As `sumElements`, of squares. */
export function sumSquares(
  x: usize,
  count: i32,
  partial: usize,
  begin: i32,
  end: i32,
): void {
  for (let item = begin; item < end; item++) {
    const first = item * ROWS_PER_ITEM * ROWS_PER_ITEM;
    const last = min(first + ROWS_PER_ITEM * ROWS_PER_ITEM, count);
    let sum: f64 = 0;
    for (let i = first; i < last; i++) {
      const value: f64 = load<f32>(x + FLOAT * <usize> i);
      sum += value * value;
    }
    store<f64>(partial + 8 * <usize> item, sum);
  }
}

/** out[0] = Σ over blocks of partial / divisor. One item. */
export function divideSum(partial: usize, blocks: i32, divisor: f64, out: usize): void {
  store<f32>(out, <f32> (sumOfBlocks(partial, blocks, 1, 0) / divisor));
}
