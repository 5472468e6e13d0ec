/** Max and average pools of NHWC maps, and their gradients. */
import { multiplyAdd } from "./simd";
import { FLOAT, loadUpTo, storeUpTo } from "./vectors";

/** The bytes of sixteen channels, a line of the cache. */
const STRIP: usize = 64;

/** Sizes of the maps and windows; the words that the caller writes, in this order. */
@unmanaged
class Pool {
  height: i32;
  width: i32;
  C: i32;
  outHeight: i32;
  outWidth: i32;
  /** Side of the windows; 0: adaptive bins of an average pool. */
  window: i32;
  stride: i32;
  padding: i32;
}

/**
 * y = maximum of each window, indices = row · W + column of the first such pixel.
 *
 * Items are rows of the outputs, of all images.
 *
 * @param pool Address of a {@linkcode Pool}.
 */
export function maxPool(
  pool: usize,
  x: usize,
  y: usize,
  indices: usize,
  begin: i32,
  end: i32,
): void {
  const p = changetype<Pool>(pool);
  const pixelBytes = FLOAT * <usize> p.C;
  for (let item = begin; item < end; item++) {
    const image = x + pixelBytes * (item / p.outHeight * p.height * p.width);
    const start = item % p.outHeight * p.stride - p.padding;
    const top = max(start, 0), bottom = min(start + p.window, p.height);
    for (let column: i32 = 0; column < p.outWidth; column++) {
      const left = max(column * p.stride - p.padding, 0);
      const right = min(column * p.stride - p.padding + p.window, p.width);
      const to = pixelBytes * (item * p.outWidth + column);
      for (let c: usize = 0; c < pixelBytes; c += 16) {
        const bytes: isize = pixelBytes - c;
        let index = i32x4.splat(top * p.width + left);
        let best = loadUpTo(image + pixelBytes * (top * p.width + left) + c, bytes);
        for (let row = top; row < bottom; row++) {
          let at = image + pixelBytes * (row * p.width + left) + c;
          for (let pixel = row * p.width + left; pixel < row * p.width + right; pixel++) {
            const value = loadUpTo(at, bytes);
            at += pixelBytes;
            const isLarger = f32x4.gt(value, best);
            best = v128.bitselect(value, best, isLarger);
            index = v128.bitselect(i32x4.splat(pixel), index, isLarger);
          }
        }
        storeUpTo(y + to + c, best, bytes);
        storeUpTo(indices + to + c, index, bytes);
      }
    }
  }
}

/**
 * dx = the gradient of every window, at the pixel that was its maximum.
 *
 * Items are strips of sixteen channels, of all images: no two of them meet in a pixel.
 *
 * @param pool Address of a {@linkcode Pool}.
 */
export function maxPoolGradient(
  pool: usize,
  dy: usize,
  indices: usize,
  dx: usize,
  begin: i32,
  end: i32,
): void {
  const p = changetype<Pool>(pool);
  const pixelBytes = FLOAT * <usize> p.C;
  const strips = <i32> ((pixelBytes + STRIP - 1) / STRIP);
  const imageBytes = pixelBytes * (p.height * p.width);
  const outBytes = pixelBytes * (p.outHeight * p.outWidth);
  for (let item = begin; item < end; item++) {
    const image = item / strips;
    const first = STRIP * (item % strips);
    const bytes = min(pixelBytes - first, STRIP);
    const to = dx + imageBytes * image;
    for (let pixel = to; pixel < to + imageBytes; pixel += pixelBytes) {
      memory.fill(pixel + first, 0, bytes);
    }
    for (let at = outBytes * image; at < outBytes * (image + 1); at += pixelBytes) {
      for (let c = first; c < first + bytes; c += FLOAT) {
        const target = to + pixelBytes * load<i32>(indices + at + c) + c;
        store<f32>(target, load<f32>(target) + load<f32>(dy + at + c));
      }
    }
  }
}

// Bin i of an axis covers the inputs from here …
function startOfBin(p: Pool, i: i32, inputs: i32, outputs: i32): i32 {
  return p.window === 0 ? i * inputs / outputs : i * p.stride;
}

// … to before here.
function endOfBin(p: Pool, i: i32, inputs: i32, outputs: i32): i32 {
  if (p.window > 0) return i * p.stride + p.window;
  return ((i + 1) * inputs + outputs - 1) / outputs;
}

// An input is covered by the bins from here …
function firstBin(p: Pool, at: i32, inputs: i32, outputs: i32): i32 {
  if (p.window === 0) return at * outputs / inputs;
  return at < p.window ? 0 : (at - p.window) / p.stride + 1;
}

// … to before here.
function endBin(p: Pool, at: i32, inputs: i32, outputs: i32): i32 {
  if (p.window === 0) return ((at + 1) * outputs + inputs - 1) / inputs;
  return min(at / p.stride + 1, outputs);
}

/** y = mean of each bin. Items are rows of the outputs, of all images. */
export function averagePool(
  pool: usize,
  x: usize,
  y: usize,
  begin: i32,
  end: i32,
): void {
  const p = changetype<Pool>(pool);
  const pixelBytes = FLOAT * <usize> p.C;
  for (let item = begin; item < end; item++) {
    const image = x + pixelBytes * (item / p.outHeight * p.height * p.width);
    const top = startOfBin(p, item % p.outHeight, p.height, p.outHeight);
    const bottom = endOfBin(p, item % p.outHeight, p.height, p.outHeight);
    for (let column: i32 = 0; column < p.outWidth; column++) {
      const left = startOfBin(p, column, p.width, p.outWidth);
      const right = endOfBin(p, column, p.width, p.outWidth);
      const weight = f32x4.splat(<f32> 1 / <f32> ((bottom - top) * (right - left)));
      const to = y + pixelBytes * (item * p.outWidth + column);
      for (let c: usize = 0; c < pixelBytes; c += 16) {
        const bytes: isize = pixelBytes - c;
        let sum = f32x4.splat(0);
        for (let row = top; row < bottom; row++) {
          for (let pixel = row * p.width + left; pixel < row * p.width + right; pixel++) {
            sum = f32x4.add(sum, loadUpTo(image + pixelBytes * pixel + c, bytes));
          }
        }
        storeUpTo(to + c, f32x4.mul(sum, weight), bytes);
      }
    }
  }
}

/** dx = what each input gave to the means. Items are rows of the inputs, of all images. */
export function averagePoolGradient(
  pool: usize,
  dy: usize,
  dx: usize,
  begin: i32,
  end: i32,
): void {
  const p = changetype<Pool>(pool);
  const pixelBytes = FLOAT * <usize> p.C;
  const rowBytes = pixelBytes * p.width;
  memory.fill(dx + rowBytes * begin, 0, rowBytes * (end - begin));
  for (let item = begin; item < end; item++) {
    const row = item % p.height;
    const endRow = endBin(p, row, p.height, p.outHeight);
    for (let ty = firstBin(p, row, p.height, p.outHeight); ty < endRow; ty++) {
      const rows = endOfBin(p, ty, p.height, p.outHeight) -
        startOfBin(p, ty, p.height, p.outHeight);
      const from = dy + pixelBytes * ((item / p.height * p.outHeight + ty) * p.outWidth);
      for (let column: i32 = 0; column < p.width; column++) {
        const to = dx + rowBytes * item + pixelBytes * column;
        const endColumn = endBin(p, column, p.width, p.outWidth);
        for (let tx = firstBin(p, column, p.width, p.outWidth); tx < endColumn; tx++) {
          const columns = endOfBin(p, tx, p.width, p.outWidth) -
            startOfBin(p, tx, p.width, p.outWidth);
          const weight: f32 = <f32> 1 / <f32> (rows * columns);
          addWeighted(to, from + pixelBytes * tx, weight, pixelBytes);
        }
      }
    }
  }
}

function addWeighted(to: usize, from: usize, weight: f32, pixelBytes: usize): void {
  const four = f32x4.splat(weight);
  for (let c: usize = 0; c < pixelBytes; c += 16) {
    const bytes: isize = pixelBytes - c;
    const sum = multiplyAdd(loadUpTo(from + c, bytes), four, loadUpTo(to + c, bytes));
    storeUpTo(to + c, sum, bytes);
  }
}
