/**
 * Batch norm over the columns of a matrix [rows, C]: moments, result and gradients.
 *
 * Column sums are made in blocks of 64 rows: four rows in float32, then in float64.
 */
import { multiplyAdd } from "./simd";
import { ROWS_PER_ITEM, sumOfBlocks, SUMS_PER_ITEM } from "./sums";
import { addUpToDoubles, FLOAT, loadUpTo, storeUpTo } from "./vectors";

/**
 * partial[item, 0] = Σ over the item's rows of d, partial[item, 1] = Σ of d², d being
 *   x − the first row of x, for squares of large means would lose the deviations from them
 *
 * Items are 64 rows.
 *
 * @param partial [items, 2, C], float64.
 */
export function sumMoments(
  x: usize,
  rows: i32,
  C: i32,
  partial: usize,
  begin: i32,
  end: i32,
): void {
  const rowBytes = FLOAT * <usize> C;
  const partialBytes = 4 * rowBytes;
  memory.fill(partial + begin * partialBytes, 0, <usize> (end - begin) * partialBytes);
  for (let item = begin; item < end; item++) {
    const sums = partial + item * partialBytes;
    const last = min((item + 1) * ROWS_PER_ITEM, rows);
    for (let row = item * ROWS_PER_ITEM; row < last; row += 4) {
      const count = min(last - row, 4);
      for (let c: usize = 0; c < rowBytes; c += 16) {
        const bytes: isize = rowBytes - c;
        const center = loadUpTo(x + c, bytes);
        let sum = f32x4.splat(0), squares = f32x4.splat(0);
        let at = x + row * rowBytes + c;
        for (let r: i32 = 0; r < count; r++) {
          const d = f32x4.sub(loadUpTo(at, bytes), center);
          sum = f32x4.add(sum, d);
          squares = multiplyAdd(d, d, squares);
          at += rowBytes;
        }
        addUpToDoubles(sums + 2 * c, sum, bytes);
        addUpToDoubles(sums + 2 * rowBytes + 2 * c, squares, bytes);
      }
    }
  }
}

/** Mean and biased variance, from the sums of `blocks` blocks. Items: 256 columns. */
export function finishMoments(
  x: usize,
  rows: i32,
  C: i32,
  partial: usize,
  blocks: i32,
  mean: usize,
  variance: usize,
  begin: i32,
  end: i32,
): void {
  for (let c = begin * SUMS_PER_ITEM; c < min(end * SUMS_PER_ITEM, C); c++) {
    const at = FLOAT * <usize> c;
    const distance = sumOfBlocks(partial, blocks, 2 * C, c) / rows;
    const squares = sumOfBlocks(partial, blocks, 2 * C, C + c) / rows;
    store<f32>(mean + at, <f32> (load<f32>(x + at) + distance));
    store<f32>(variance + at, <f32> max(squares - distance * distance, 0));
  }
}

/** y = (x − mean) / √(variance + ε) · scale + shift. Items: 64 rows. */
export function normalize(
  x: usize,
  rows: i32,
  C: i32,
  mean: usize,
  variance: usize,
  scale: usize,
  shift: usize,
  epsilon: f64,
  y: usize,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const rowBytes = FLOAT * <usize> C;
  for (let c: usize = 0; c < rowBytes; c += FLOAT) {
    const rstd = 1 / Math.sqrt(load<f32>(variance + c) + epsilon);
    store<f32>(scratch + c, <f32> (load<f32>(scale + c) * rstd));
  }
  for (let row = begin * ROWS_PER_ITEM; row < min(end * ROWS_PER_ITEM, rows); row++) {
    const from = x + row * rowBytes, to = y + row * rowBytes;
    for (let c: usize = 0; c < rowBytes; c += 16) {
      const bytes: isize = rowBytes - c;
      const d = f32x4.sub(loadUpTo(from + c, bytes), loadUpTo(mean + c, bytes));
      const offset = loadUpTo(shift + c, bytes);
      storeUpTo(to + c, multiplyAdd(d, loadUpTo(scratch + c, bytes), offset), bytes);
    }
  }
}

/**
 * partial[item, 0] = Σ over the item's rows of dy, partial[item, 1] = Σ of dy · (x − mean)
 *
 * Items are 64 rows.
 *
 * @param partial [items, 2, C], float64.
 */
export function sumNormGradients(
  x: usize,
  dy: usize,
  rows: i32,
  C: i32,
  mean: usize,
  partial: usize,
  begin: i32,
  end: i32,
): void {
  const rowBytes = FLOAT * <usize> C;
  const partialBytes = 4 * rowBytes;
  memory.fill(partial + begin * partialBytes, 0, <usize> (end - begin) * partialBytes);
  for (let item = begin; item < end; item++) {
    const sums = partial + item * partialBytes;
    const last = min((item + 1) * ROWS_PER_ITEM, rows);
    for (let row = item * ROWS_PER_ITEM; row < last; row += 4) {
      const count = min(last - row, 4);
      for (let c: usize = 0; c < rowBytes; c += 16) {
        const bytes: isize = rowBytes - c;
        const center = loadUpTo(mean + c, bytes);
        let sum = f32x4.splat(0), products = f32x4.splat(0);
        let at = row * rowBytes + c;
        for (let r: i32 = 0; r < count; r++) {
          const gradient = loadUpTo(dy + at, bytes);
          const d = f32x4.sub(loadUpTo(x + at, bytes), center);
          sum = f32x4.add(sum, gradient);
          products = multiplyAdd(gradient, d, products);
          at += rowBytes;
        }
        addUpToDoubles(sums + 2 * c, sum, bytes);
        addUpToDoubles(sums + 2 * rowBytes + 2 * c, products, bytes);
      }
    }
  }
}

/** dscale and dshift, from the sums of `blocks` blocks. Items: 256 columns. */
export function finishNormGradients(
  C: i32,
  partial: usize,
  blocks: i32,
  variance: usize,
  epsilon: f64,
  dscale: usize,
  dshift: usize,
  begin: i32,
  end: i32,
): void {
  for (let c = begin * SUMS_PER_ITEM; c < min(end * SUMS_PER_ITEM, C); c++) {
    const at = FLOAT * <usize> c;
    const rstd = 1 / Math.sqrt(load<f32>(variance + at) + epsilon);
    const product = sumOfBlocks(partial, blocks, 2 * C, C + c);
    store<f32>(dscale + at, <f32> (product * rstd));
    store<f32>(dshift + at, <f32> sumOfBlocks(partial, blocks, 2 * C, c));
  }
}

/** dx = scale · rstd · (dy − dshift / R − (x − mean) · rstd · dscale / R). Items: 64 rows. */
export function normInputGradient(
  x: usize,
  dy: usize,
  rows: i32,
  C: i32,
  mean: usize,
  variance: usize,
  scale: usize,
  dscale: usize,
  dshift: usize,
  epsilon: f64,
  dx: usize,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const rowBytes = FLOAT * <usize> C;
  const factors = scratch, constants = factors + rowBytes, multiples = constants + rowBytes;
  for (let c: usize = 0; c < rowBytes; c += FLOAT) {
    const rstd = 1 / Math.sqrt(load<f32>(variance + c) + epsilon);
    store<f32>(factors + c, <f32> (load<f32>(scale + c) * rstd));
    store<f32>(constants + c, <f32> (load<f32>(dshift + c) / <f64> rows));
    store<f32>(multiples + c, <f32> (load<f32>(dscale + c) * rstd / rows));
  }
  for (let row = begin * ROWS_PER_ITEM; row < min(end * ROWS_PER_ITEM, rows); row++) {
    const start = row * rowBytes;
    for (let c: usize = 0; c < rowBytes; c += 16) {
      const bytes: isize = rowBytes - c;
      const at = start + c;
      const d = f32x4.sub(loadUpTo(x + at, bytes), loadUpTo(mean + c, bytes));
      let gradient = f32x4.sub(loadUpTo(dy + at, bytes), loadUpTo(constants + c, bytes));
      gradient = f32x4.sub(gradient, f32x4.mul(d, loadUpTo(multiples + c, bytes)));
      storeUpTo(dx + at, f32x4.mul(gradient, loadUpTo(factors + c, bytes)), bytes);
    }
  }
}
