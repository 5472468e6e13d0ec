/** Resizing of NHWC maps, bilinear and nearest, and the gradients. */
import { firstOutput, lowOf, TAP_BYTES, weightOf } from "./bilinear";
import { multiplyAdd } from "./simd";
import { FLOAT, lerpOf, loadUpTo, storeUpTo } from "./vectors";

/**
 * y = bilinear resize of x. Items are rows of the outputs, of all images.
 *
 * @param taps Of the columns, see `bilinearTaps`.
 */
export function resizeBilinear(
  x: usize, height: i32, width: i32, C: i32, alignCorners: bool, taps: usize,
  y: usize, outHeight: i32, outWidth: i32,
  begin: i32, end: i32,
): void {
  const pixelBytes = FLOAT * <usize> C;
  const rowBytes = pixelBytes * width;
  let to = y + pixelBytes * (begin * outWidth);
  for (let item = begin; item < end; item++) {
    const low = lowOf(item % outHeight, height, outHeight, alignCorners);
    const fy = f32x4.splat(weightOf(item % outHeight, height, outHeight, alignCorners));
    const image = x + rowBytes * (item / outHeight * height);
    const upper = image + rowBytes * low;
    const lower = image + rowBytes * min(low + 1, height - 1);
    for (let column: i32 = 0; column < outWidth; column++) {
      const tap = taps + TAP_BYTES * <usize> column;
      const left = load<u32>(tap), right = load<u32>(tap, 4);
      const fx = v128.load32_splat(tap, 12);
      for (let c: usize = 0; c < pixelBytes; c += 16) {
        const bytes: isize = pixelBytes - c;
        const above = lerpOf(
          loadUpTo(upper + left + c, bytes), loadUpTo(upper + right + c, bytes), fx,
        );
        const below = lerpOf(
          loadUpTo(lower + left + c, bytes), loadUpTo(lower + right + c, bytes), fx,
        );
        storeUpTo(to + c, lerpOf(above, below, fy), bytes);
      }
      to += pixelBytes;
    }
  }
}

/**
 * dx = what each input pixel gave to the outputs. Items are rows of the inputs.
 *
 * @param taps Of the columns, see `bilinearTaps`.
 */
export function resizeBilinearGradient(
  dy: usize, outHeight: i32, outWidth: i32, C: i32, alignCorners: bool, taps: usize,
  dx: usize, height: i32, width: i32,
  begin: i32, end: i32,
): void {
  const pixelBytes = FLOAT * <usize> C;
  const rowBytes = pixelBytes * width;
  memory.fill(dx + rowBytes * begin, 0, rowBytes * (end - begin));
  for (let item = begin; item < end; item++) {
    const row = item % height;
    const endRow = firstOutput(row + 1, height, outHeight, alignCorners);
    let t = firstOutput(row - 1, height, outHeight, alignCorners);
    for (; t < endRow; t++) {
      const weight = weightOf(t, height, outHeight, alignCorners);
      const isLow = lowOf(t, height, outHeight, alignCorners) === row;
      addResized(
        dy + pixelBytes * ((item / height * outHeight + t) * outWidth), outWidth, pixelBytes,
        taps, f32x4.splat(isLow ? 1 - weight : weight), dx + rowBytes * item,
      );
    }
  }
}

// Adds what a row of inputs gave to a row of outputs that it has that weight in.
function addResized(
  dy: usize, columns: i32, pixelBytes: usize, taps: usize, weight: v128, dx: usize,
): void {
  for (let column: i32 = 0; column < columns; column++) {
    const left = dx + load<u32>(taps), right = dx + load<u32>(taps, 4);
    const toLeft = f32x4.mul(weight, v128.load32_splat(taps, 8));
    const toRight = f32x4.mul(weight, v128.load32_splat(taps, 12));
    for (let c: usize = 0; c < pixelBytes; c += 16) {
      const bytes: isize = pixelBytes - c;
      const gradient = loadUpTo(dy + c, bytes);
      const atLeft = multiplyAdd(gradient, toLeft, loadUpTo(left + c, bytes));
      storeUpTo(left + c, atLeft, bytes);
      const atRight = multiplyAdd(gradient, toRight, loadUpTo(right + c, bytes));
      storeUpTo(right + c, atRight, bytes);
    }
    taps += TAP_BYTES;
    dy += pixelBytes;
  }
}

/** y[ty, tx] = x[⌊ty · H / OH⌋, ⌊tx · W / OW⌋]. Items are rows of the outputs. */
export function resizeNearest(
  x: usize, height: i32, width: i32, C: i32,
  y: usize, outHeight: i32, outWidth: i32,
  begin: i32, end: i32,
): void {
  const pixelBytes = FLOAT * <usize> C;
  let to = y + pixelBytes * (begin * outWidth);
  for (let item = begin; item < end; item++) {
    const row = item / outHeight * height + item % outHeight * height / outHeight;
    const from = x + pixelBytes * (row * width);
    for (let column: i32 = 0; column < outWidth; column++) {
      const pixel = from + pixelBytes * (column * width / outWidth);
      for (let c: usize = 0; c < pixelBytes; c += 16) {
        storeUpTo(to + c, loadUpTo(pixel + c, pixelBytes - c), pixelBytes - c);
      }
      to += pixelBytes;
    }
  }
}

/** dx = the sum over the copies of each input. Items are rows of the inputs. */
export function resizeNearestGradient(
  dy: usize, outHeight: i32, outWidth: i32, C: i32,
  dx: usize, height: i32, width: i32,
  begin: i32, end: i32,
): void {
  const pixelBytes = FLOAT * <usize> C;
  const rowBytes = pixelBytes * width;
  memory.fill(dx + rowBytes * begin, 0, rowBytes * (end - begin));
  for (let item = begin; item < end; item++) {
    const row = item % height;
    const first = (row * outHeight + height - 1) / height;
    const endRow = ((row + 1) * outHeight + height - 1) / height;
    let from = dy + pixelBytes * ((item / height * outHeight + first) * outWidth);
    for (let t = first; t < endRow; t++) {
      for (let column: i32 = 0; column < outWidth; column++) {
        const to = dx + rowBytes * item + pixelBytes * (column * width / outWidth);
        for (let c: usize = 0; c < pixelBytes; c += 16) {
          const bytes: isize = pixelBytes - c;
          const sum = f32x4.add(loadUpTo(to + c, bytes), loadUpTo(from + c, bytes));
          storeUpTo(to + c, sum, bytes);
        }
        from += pixelBytes;
      }
    }
  }
}
