/**
 * Softmax cross entropy and argmax of logits that are upsampled to the size of the labels,
 * without storing the upsampled logits.
 *
 * An item is a row y of the small map and the rows of the large one between it and the next:
 * its outputs read the small rows y and y + 1. One large row exists at a time, as a `line` of
 * small pixels; its gradient goes to such a line, too, and from there to the item's own
 * copies of rows y and y + 1, so that items share nothing. The classes of a pixel lie in
 * whole vectors, the last of which is filled up with classes of probability 0.
 */
import { firstOutput, lowOf, TAP_BYTES, weightOf } from "./bilinear";
import { expNonPositive, naturalLog } from "./exponential";
import { multiplyAdd } from "./simd";
import {
  FLOAT,
  lanesWithin,
  largestOfFour,
  lerpOf,
  loadUpTo,
  storeUpTo,
  sumOfFour,
} from "./vectors";

/** Sizes of maps and labels; the words that the caller writes, in this order. */
@unmanaged
class Sizes {
  height: i32;
  width: i32;
  classes: i32;
  outHeight: i32;
  outWidth: i32;
  alignCorners: i32;
}

/** A logit that no other is below: that of a class that is not there. */
const NO_CLASS: f32 = -f32.MAX_VALUE;

/** The bytes of a pixel's classes in whole vectors. */
function classBytesOf(s: Sizes): usize {
  return 4 * FLOAT * <usize> ((s.classes + 3) / 4);
}

/** The bytes of a line of small pixels. */
function lineBytesOf(s: Sizes): usize {
  return classBytesOf(s) * s.width;
}

// The first output row that reads nothing above small row y.
function firstRow(s: Sizes, y: i32): i32 {
  return firstOutput(y, s.height, s.outHeight, <bool> s.alignCorners);
}

// line = the small pixels of output row t of an image, between two small rows.
function lerpRow(s: Sizes, logits: usize, image: i32, t: i32, line: usize): void {
  const low = lowOf(t, s.height, s.outHeight, <bool> s.alignCorners);
  const weight = f32x4.splat(weightOf(t, s.height, s.outHeight, <bool> s.alignCorners));
  const pixelBytes = FLOAT * <usize> s.classes;
  const rowBytes = pixelBytes * s.width;
  let upper = logits + rowBytes * (image * s.height + low);
  let lower = logits + rowBytes * (image * s.height + min(low + 1, s.height - 1));
  const none = f32x4.splat(NO_CLASS);
  for (let x: i32 = 0; x < s.width; x++) {
    for (let c: usize = 0; c < pixelBytes; c += 16) {
      const bytes: isize = pixelBytes - c;
      const four = lerpOf(loadUpTo(upper + c, bytes), loadUpTo(lower + c, bytes), weight);
      const isThere = lanesWithin(bytes);
      v128.store(line, bytes >= 16 ? four : v128.bitselect(four, none, isThere));
      line += 16;
    }
    upper += pixelBytes;
    lower += pixelBytes;
  }
}

// pixel = the logits of an output column; returns the largest.
function lerpColumn(line: usize, tap: usize, classBytes: usize, pixel: usize): f32 {
  const left = line + load<u32>(tap), right = line + load<u32>(tap, 4);
  const weight = v128.load32_splat(tap, 12);
  let largest = f32x4.splat(NO_CLASS);
  for (let c: usize = 0; c < classBytes; c += 16) {
    const four = lerpOf(v128.load(left + c), v128.load(right + c), weight);
    v128.store(pixel + c, four);
    largest = f32x4.max(four, largest); // NaN stays
  }
  return largestOfFour(largest);
}

// pixel = exp(pixel − largest); returns the sum.
function exponentials(pixel: usize, classBytes: usize, largest: f32): f32 {
  const shift = f32x4.splat(largest);
  let sum = f32x4.splat(0);
  for (let c: usize = 0; c < classBytes; c += 16) {
    const e = expNonPositive(f32x4.sub(v128.load(pixel + c), shift));
    v128.store(pixel + c, e);
    sum = f32x4.add(sum, e);
  }
  return sumOfFour(sum);
}

// sums += factor · terms, line by line or pixel by pixel.
function addMultiple(sums: usize, terms: usize, factor: f32, bytes: usize): void {
  const four = f32x4.splat(factor);
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(sums + i, multiplyAdd(v128.load(terms + i), four, v128.load(sums + i)));
  }
}

/**
 * losses[item] = Σ over the item's pixels of w · (log Σ_c exp(z_c) − z_label), z being the
 *   upsampled logits, and the gradients by its two small rows
 *
 * Items are small rows, of all images.
 *
 * @param sizes Address of a {@linkcode Sizes}.
 * @param weights w, or 0 for 1.
 * @param taps Of the columns, for pixels of whole vectors.
 * @param lines Per item the gradients by rows y and y + 1, a line, and its gradient.
 * @param losses float64
 */
export function upsampledCrossEntropy(
  sizes: usize,
  logits: usize,
  labels: usize,
  weights: usize,
  taps: usize,
  lines: usize,
  losses: usize,
  withGradient: bool,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const s = changetype<Sizes>(sizes);
  const lineBytes = lineBytesOf(s);
  for (let item = begin; item < end; item++) {
    const image = item / s.height, y = item % s.height;
    const upper = lines + 4 * lineBytes * item;
    const lower = upper + lineBytes, line = lower + lineBytes, gradient = line + lineBytes;
    memory.fill(upper, 0, 2 * lineBytes);
    let loss: f64 = 0;
    const endRow = firstRow(s, y + 1);
    for (let t = firstRow(s, y); t < endRow; t++) {
      lerpRow(s, logits, image, t, line);
      memory.fill(gradient, 0, lineBytes);
      const first = FLOAT * <usize> ((image * s.outHeight + t) * s.outWidth);
      loss += rowLoss(
        s, line, labels + first, weights === 0 ? 0 : weights + first, taps,
        withGradient ? gradient : 0, scratch,
      );
      if (!withGradient) continue;
      const weight = weightOf(t, s.height, s.outHeight, <bool> s.alignCorners);
      addMultiple(upper, gradient, 1 - weight, lineBytes);
      addMultiple(lower, gradient, weight, lineBytes);
    }
    store<f64>(losses + 8 * <usize> item, loss);
  }
}

// The loss of an output row; adds its gradient by the line, unless that is 0.
function rowLoss(
  s: Sizes,
  line: usize,
  labels: usize,
  weights: usize,
  taps: usize,
  gradient: usize,
  pixel: usize,
): f64 {
  const classBytes = classBytesOf(s);
  let loss: f64 = 0;
  for (let column: i32 = 0; column < s.outWidth; column++) {
    const at = FLOAT * <usize> column;
    const label = load<i32>(labels + at);
    const weight: f32 = weights === 0 ? 1 : load<f32>(weights + at);
    if (label < 0 || label >= s.classes || weight === 0) continue;
    const tap = taps + TAP_BYTES * <usize> column;
    const labelAt = FLOAT * <usize> label;
    const largest = lerpColumn(line, tap, classBytes, pixel);
    const labelLogit = load<f32>(pixel + labelAt);
    const sum = exponentials(pixel, classBytes, largest);
    loss += <f64> weight * (<f64> largest - labelLogit + naturalLog(sum));
    if (gradient === 0) continue;
    const left = gradient + load<u32>(tap), right = gradient + load<u32>(tap, 4);
    const toLeft = weight * load<f32>(tap, 8), toRight = weight * load<f32>(tap, 12);
    addMultiple(left, pixel, toLeft / sum, classBytes);
    addMultiple(right, pixel, toRight / sum, classBytes);
    store<f32>(left + labelAt, load<f32>(left + labelAt) - toLeft);
    store<f32>(right + labelAt, load<f32>(right + labelAt) - toRight);
  }
  return loss;
}

/**
 * gradient = that of every small row, from the items that read it: its own and the one above.
 *
 * Items are small rows, of all images.
 */
export function gatherRowGradients(
  sizes: usize,
  lines: usize,
  gradient: usize,
  begin: i32,
  end: i32,
): void {
  const s = changetype<Sizes>(sizes);
  const lineBytes = lineBytesOf(s), classBytes = classBytesOf(s);
  const pixelBytes = FLOAT * <usize> s.classes;
  for (let item = begin; item < end; item++) {
    const own = lines + 4 * lineBytes * item;
    const above = own - 3 * lineBytes; // the second line of the item before
    const hasAbove = item % s.height > 0;
    let to = gradient + pixelBytes * (item * s.width);
    for (let x: usize = 0; x < lineBytes; x += classBytes) {
      for (let c: usize = 0; c < pixelBytes; c += 16) {
        let sum = v128.load(own + x + c);
        if (hasAbove) sum = f32x4.add(sum, v128.load(above + x + c));
        storeUpTo(to + c, sum, pixelBytes - c);
      }
      to += pixelBytes;
    }
  }
}

/**
 * labels = the class of the largest upsampled logit, of equal ones the first; confidence =
 * its probability; counts[item] = the item's pixels whose confidence reaches the threshold.
 *
 * Items are small rows, of all images.
 *
 * @param sizes Address of a {@linkcode Sizes}.
 * @param taps Of the columns, for pixels of whole vectors.
 * @param lines One per item.
 * @param counts float64
 */
export function upsampledArgmax(
  sizes: usize,
  logits: usize,
  taps: usize,
  lines: usize,
  labels: usize,
  confidence: usize,
  threshold: f32,
  counts: usize,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const s = changetype<Sizes>(sizes);
  const lineBytes = lineBytesOf(s), classBytes = classBytesOf(s);
  for (let item = begin; item < end; item++) {
    const image = item / s.height, y = item % s.height;
    const line = lines + lineBytes * item;
    let count: f64 = 0;
    const endRow = firstRow(s, y + 1);
    for (let t = firstRow(s, y); t < endRow; t++) {
      lerpRow(s, logits, image, t, line);
      let at = FLOAT * <usize> ((image * s.outHeight + t) * s.outWidth);
      for (let column: i32 = 0; column < s.outWidth; column++) {
        const tap = taps + TAP_BYTES * <usize> column;
        const largest = lerpColumn(line, tap, classBytes, scratch);
        store<i32>(labels + at, firstEqual(scratch, classBytes, largest));
        const probability: f32 = 1 / exponentials(scratch, classBytes, largest);
        store<f32>(confidence + at, probability);
        if (probability >= threshold) count++;
        at += FLOAT;
      }
    }
    store<f64>(counts + 8 * <usize> item, count);
  }
}

// The first class with that logit; 0 if there is none, as of NaN.
function firstEqual(pixel: usize, classBytes: usize, logit: f32): i32 {
  const four = f32x4.splat(logit);
  for (let c: usize = 0; c < classBytes; c += 16) {
    const isEqual = i32x4.bitmask(f32x4.eq(v128.load(pixel + c), four));
    if (isEqual !== 0) return <i32> (c / FLOAT) + ctz(isEqual);
  }
  return 0;
}
