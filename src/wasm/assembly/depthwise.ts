/**
 * Depthwise convolutions and their gradients, of any dilation or any stride.
 *
 * Sixteen channels at a time, a line of the cache: what a few rows hold of them is copied
 * next to each other, with zeros around, before it is computed with. Where it lies, pixels of
 * 1024 channels would push each other out of the cache before the next tap needs them.
 */
import { geluOf } from "./gelu";
import { multiplyAdd } from "./simd";
import { addUpToDoubles, FLOAT, loadUpTo, storeUpTo } from "./vectors";

/** The bytes of sixteen channels, in memory and copied. */
const STRIP: usize = 64;

/** Columns of the output whose inputs are copied at a time; even. */
const SEGMENT: i32 = 64;

/** Rows of dy whose share of a filter gradient is summed by itself. */
const ROWS_PER_ITEM: i32 = 8;

/** The first tap that does not lie before a map, where tap 0 of an output lies at `at`. */
function firstTap(at: i32, dilation: i32): i32 {
  return at < 0 ? (dilation - 1 - at) / dilation : 0;
}

/** The tap after the last that does not lie beyond a map of `side`. */
function endTap(at: i32, side: i32, taps: i32, dilation: i32): i32 {
  return at < side ? min(taps, (side - 1 - at) / dilation + 1) : 0;
}

// Copies the columns from `first` to before `end` of a row; those outside of it are zeros.
function copyStrip(
  to: usize, row: usize, first: i32, end: i32, width: i32, pixelBytes: usize, bytes: isize,
): void {
  const firstInside = min(max(first, 0), end);
  const endInside = max(min(end, width), firstInside);
  const from = to + STRIP * (firstInside - first);
  memory.fill(to, 0, from - to);
  const columns = endInside - firstInside;
  copyColumns(from, row + firstInside * pixelBytes, columns, pixelBytes, bytes);
  memory.fill(from + STRIP * columns, 0, STRIP * (end - endInside));
}

// The same of columns that are to be `spacing` apart, with zeros between.
function spreadStrip(
  to: usize, row: usize, first: i32, end: i32, width: i32, spacing: i32,
  pixelBytes: usize, bytes: isize,
): void {
  memory.fill(to, 0, STRIP * (end - first));
  const endInside = min((max(end, 0) + spacing - 1) / spacing, width);
  for (let c = (max(first, 0) + spacing - 1) / spacing; c < endInside; c++) {
    const from = row + <usize> c * pixelBytes;
    copyColumns(to + STRIP * (c * spacing - first), from, 1, pixelBytes, bytes);
  }
}

// Copies up to sixteen channels of neighbors; zeros follow them.
function copyColumns(
  to: usize, from: usize, columns: i32, pixelBytes: usize, bytes: isize,
): void {
  for (const end = to + STRIP * columns; to < end; to += STRIP) {
    if (bytes >= <isize> STRIP) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      v128.store(to, v128.load(from, 32), 32);
      v128.store(to, v128.load(from, 48), 48);
    } else {
      for (let c: isize = 0; c < <isize> STRIP; c += 16) {
        v128.store(to + c, loadUpTo(from + c, bytes - c));
      }
    }
    from += pixelBytes;
  }
}

/**
 * product[b, r, s, c] = g(Σ over i, j of x[b, r · stride + i · dilation − above,
 *   s · stride + j · dilation − before, c] · filter[i, j, c] + bias[c]) + residual
 *
 * Items are rows of the outputs, of all images. A dilation goes with no spacing.
 *
 * @param filter The weights of the first tap.
 * @param tapStep Bytes from tap to tap; negative turns the filter.
 * @param spacing Zeros are thought between the pixels of x, which are so far apart then.
 * @param bias C floats, or 0.
 * @param residual Like the product, or 0.
 */
export function depthwiseConvolve(
  x: usize, height: i32, width: i32, C: i32,
  filter: usize, tapStep: isize, kernelHeight: i32, kernelWidth: i32,
  stride: i32, spacing: i32, dilation: i32, above: i32, before: i32,
  bias: usize, hasGelu: bool, residual: usize,
  product: usize, outHeight: i32, outWidth: i32,
  begin: i32, end: i32, scratch: usize,
): void {
  const pixelBytes = FLOAT * <usize> C;
  const reach = (kernelWidth - 1) * dilation;
  const rowBytes = STRIP * <usize> (SEGMENT * stride + reach);
  const spacedHeight = (height - 1) * spacing + 1;
  const spacedWidth = (width - 1) * spacing + 1;
  const sums = scratch;
  const shift = sums + 2 * STRIP;
  const weights = shift + STRIP;
  const rows = weights + STRIP * <usize> (kernelHeight * kernelWidth);
  for (let item = begin; item < end; item++) {
    const top = item % outHeight * stride - above;
    let firstRow = firstTap(top, dilation);
    while ((top + firstRow * dilation) % spacing !== 0) firstRow++;
    const endRow = endTap(top, spacedHeight, kernelHeight, dilation);
    const image = x + <usize> (item / outHeight * height * width) * pixelBytes;
    for (let c: usize = 0; c < pixelBytes; c += STRIP) {
      const bytes: isize = pixelBytes - c;
      copyColumns(shift, bias + c, 1, pixelBytes, bias === 0 ? 0 : bytes);
      for (let tap: i32 = 0; tap < kernelHeight * kernelWidth; tap++) {
        const from = filter + <isize> tap * tapStep + c;
        copyColumns(weights + STRIP * tap, from, 1, pixelBytes, bytes);
      }
      for (let start: i32 = 0; start < outWidth; start += SEGMENT) {
        const columns = min(SEGMENT, outWidth - start);
        const left = start * stride - before;
        const right = left + (columns + columns % 2 - 1) * stride + 1 + reach;
        for (let i = firstRow; i < endRow; i += spacing) {
          const row = (top + i * dilation) / spacing;
          const from = image + <usize> (row * width) * pixelBytes + c;
          const to = rows + rowBytes * i;
          if (spacing === 1) copyStrip(to, from, left, right, width, pixelBytes, bytes);
          else spreadStrip(to, from, left, right, width, spacing, pixelBytes, bytes);
        }
        for (let column: i32 = 0; column < columns; column++) {
          if (column % 2 === 0) {
            const at = left + column * stride;
            convolvePair(
              rows + STRIP * (column * stride), STRIP * stride, rowBytes, weights,
              kernelWidth, STRIP * dilation, firstRow, endRow, spacing,
              firstTap(at + stride, dilation),
              endTap(at, spacedWidth, kernelWidth, dilation), shift, sums,
            );
          }
          const at = <usize> (item * outWidth + start + column) * pixelBytes + c;
          finish(
            sums + STRIP * (column % 2), bytes, hasGelu, residual === 0 ? 0 : residual + at,
            product + at,
          );
        }
      }
    }
  }
}

// The shift plus the sums over the taps (firstRow … endRow − 1, first … last − 1), for two
// outputs whose inputs are `neighbor` apart.
function convolvePair(
  x: usize, neighbor: usize, rowBytes: usize, weights: usize, kernelWidth: i32,
  step: usize, firstRow: i32, endRow: i32, rowStep: i32, first: i32, last: i32,
  shift: usize, sums: usize,
): void {
  let a0 = v128.load(shift), a1 = v128.load(shift, 16);
  let a2 = v128.load(shift, 32), a3 = v128.load(shift, 48);
  let b0 = a0, b1 = a1, b2 = a2, b3 = a3;
  for (let i = firstRow; i < endRow; i += rowStep) {
    let at = x + rowBytes * i + step * first;
    const end = x + rowBytes * i + step * last;
    let w = weights + STRIP * (i * kernelWidth + first);
    for (; at < end; at += step) {
      const second = at + neighbor;
      let weight = v128.load(w);
      a0 = multiplyAdd(weight, v128.load(at), a0);
      b0 = multiplyAdd(weight, v128.load(second), b0);
      weight = v128.load(w, 16);
      a1 = multiplyAdd(weight, v128.load(at, 16), a1);
      b1 = multiplyAdd(weight, v128.load(second, 16), b1);
      weight = v128.load(w, 32);
      a2 = multiplyAdd(weight, v128.load(at, 32), a2);
      b2 = multiplyAdd(weight, v128.load(second, 32), b2);
      weight = v128.load(w, 48);
      a3 = multiplyAdd(weight, v128.load(at, 48), a3);
      b3 = multiplyAdd(weight, v128.load(second, 48), b3);
      w += STRIP;
    }
  }
  storeStrip(sums, a0, a1, a2, a3);
  storeStrip(sums + STRIP, b0, b1, b2, b3);
}

function storeStrip(to: usize, s0: v128, s1: v128, s2: v128, s3: v128): void {
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
}

// Writes g(sums) + residual of up to sixteen channels.
function finish(
  sums: usize, bytes: isize, hasGelu: bool, residual: usize, product: usize,
): void {
  if (hasGelu) applyGelu(sums);
  if (residual !== 0) addResidual(sums, residual, bytes);
  if (bytes >= <isize> STRIP) copyColumns(product, sums, 1, STRIP, bytes);
  else memory.copy(product, sums, bytes);
}

function applyGelu(sums: usize): void {
  for (let c: usize = 0; c < STRIP; c += 16) {
    v128.store(sums + c, geluOf(v128.load(sums + c)));
  }
}

function addResidual(sums: usize, residual: usize, bytes: isize): void {
  for (let c: usize = 0; c < STRIP; c += 16) {
    const rest = loadUpTo(residual + c, bytes - c);
    v128.store(sums + c, f32x4.add(v128.load(sums + c), rest));
  }
}

/**
 * partial[item, i, j, c] = Σ over the item's rows r and all columns s of dy[r, s, c] ·
 *   x[r · stride + i · dilation − above, s · stride + j · dilation − before, c], in float64
 *
 * Up to 64 columns of a row are summed in float32. Items are eight rows of dy, of all images.
 */
export function depthwiseFilterGradient(
  x: usize, height: i32, width: i32, C: i32,
  dy: usize, outHeight: i32, outWidth: i32, rows: i32,
  kernelHeight: i32, kernelWidth: i32, stride: i32, dilation: i32,
  above: i32, before: i32,
  partial: usize,
  begin: i32, end: i32, scratch: usize,
): void {
  const pixelBytes = FLOAT * <usize> C;
  const partialBytes = 2 * pixelBytes * <usize> (kernelHeight * kernelWidth);
  // Taps are summed in threes; those beyond the filter are summed for nothing.
  const reach = (kernelWidth + 2) / 3 * 3 * dilation;
  const sums = scratch;
  const gradients = sums + 3 * STRIP;
  const inputs = gradients + STRIP * SEGMENT;
  memory.fill(partial + begin * partialBytes, 0, (end - begin) * partialBytes);
  for (let r = begin * ROWS_PER_ITEM; r < min(end * ROWS_PER_ITEM, rows); r++) {
    const top = r % outHeight * stride - above;
    const image = x + <usize> (r / outHeight * height * width) * pixelBytes;
    const gradientRow = dy + <usize> (r * outWidth) * pixelBytes;
    const item = partial + <usize> (r / ROWS_PER_ITEM) * partialBytes;
    for (let c: usize = 0; c < pixelBytes; c += STRIP) {
      const bytes: isize = pixelBytes - c;
      for (let start: i32 = 0; start < outWidth; start += SEGMENT) {
        const columns = min(SEGMENT, outWidth - start);
        const left = start * stride - before;
        copyStrip(
          gradients, gradientRow + c, start, start + columns, outWidth, pixelBytes, bytes,
        );
        for (let i: i32 = 0; i < kernelHeight; i++) {
          const row = top + i * dilation;
          if (row < 0 || row >= height) continue;
          copyStrip(
            inputs, image + <usize> (row * width) * pixelBytes + c,
            left, left + (columns - 1) * stride + 1 + reach, width, pixelBytes, bytes,
          );
          for (let j: i32 = 0; j < kernelWidth; j++) {
            if (j % 3 === 0) {
              const from = inputs + STRIP * (j * dilation);
              sumThreeTaps(
                from, STRIP * stride, STRIP * dilation, gradients, columns, sums,
              );
            }
            const tap = <usize> (i * kernelWidth + j);
            addStrip(item + 2 * (tap * pixelBytes + c), sums + STRIP * (j % 3), bytes);
          }
        }
      }
    }
  }
}

// sums[tap] = Σ over the columns of x[column + tap] · dy[column], for three taps.
function sumThreeTaps(
  x: usize, advance: usize, step: usize, dy: usize, columns: i32, sums: usize,
): void {
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  let c0 = a0, c1 = a0, c2 = a0, c3 = a0;
  for (const end = dy + STRIP * columns; dy < end; dy += STRIP) {
    const second = x + step, third = second + step;
    let gradient = v128.load(dy);
    a0 = multiplyAdd(gradient, v128.load(x), a0);
    b0 = multiplyAdd(gradient, v128.load(second), b0);
    c0 = multiplyAdd(gradient, v128.load(third), c0);
    gradient = v128.load(dy, 16);
    a1 = multiplyAdd(gradient, v128.load(x, 16), a1);
    b1 = multiplyAdd(gradient, v128.load(second, 16), b1);
    c1 = multiplyAdd(gradient, v128.load(third, 16), c1);
    gradient = v128.load(dy, 32);
    a2 = multiplyAdd(gradient, v128.load(x, 32), a2);
    b2 = multiplyAdd(gradient, v128.load(second, 32), b2);
    c2 = multiplyAdd(gradient, v128.load(third, 32), c2);
    gradient = v128.load(dy, 48);
    a3 = multiplyAdd(gradient, v128.load(x, 48), a3);
    b3 = multiplyAdd(gradient, v128.load(second, 48), b3);
    c3 = multiplyAdd(gradient, v128.load(third, 48), c3);
    x += advance;
  }
  storeStrip(sums, a0, a1, a2, a3);
  storeStrip(sums + STRIP, b0, b1, b2, b3);
  storeStrip(sums + 2 * STRIP, c0, c1, c2, c3);
}

// Adds up to sixteen channels to their float64 sums.
function addStrip(doubles: usize, sums: usize, bytes: isize): void {
  for (let c: isize = 0; c < min(bytes, <isize> STRIP); c += 16) {
    addUpToDoubles(doubles + 2 * c, v128.load(sums + c), bytes - c);
  }
}
