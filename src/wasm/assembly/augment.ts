/** Strong augmentation: class mixing, color jitter, blur. */
import { multiplyAdd } from "./simd";
import { FLOAT, ITEM_ELEMENTS, loadUpTo, storeUpTo } from "./vectors";

/** Entries of a sample's table of chosen classes. */
const LABEL_VALUES: i32 = 256;

/** mask[b, p] = chosen[b, labels[b, p]]. Items: 4096 pixels. */
export function classMask(
  labels: usize,
  chosen: usize,
  pixels: i32,
  mask: usize,
  count: i32,
  begin: i32,
  end: i32,
): void {
  for (let i = begin * ITEM_ELEMENTS; i < min(end * ITEM_ELEMENTS, count); i++) {
    const at = FLOAT * <usize> i;
    const entry = i / pixels * LABEL_VALUES + load<i32>(labels + at);
    store<i32>(mask + at, load<i32>(chosen + FLOAT * <usize> entry));
  }
}

/**
 * images = source where the mask is not 0, else the other.
 *
 * Items: 4096 pixels.
 *
 * @param channels Floats of a pixel.
 */
export function pasteImages(
  mask: usize,
  source: usize,
  other: usize,
  images: usize,
  channels: i32,
  count: i32,
  begin: i32,
  end: i32,
): void {
  for (let i = begin * ITEM_ELEMENTS; i < min(end * ITEM_ELEMENTS, count); i++) {
    const at = FLOAT * <usize> channels * <usize> i;
    const from = load<i32>(mask + FLOAT * <usize> i) !== 0 ? source + at : other + at;
    const bytes = FLOAT * <usize> channels;
    for (let byte: usize = 0; byte < bytes; byte += FLOAT) {
      store<i32>(images + at + byte, load<i32>(from + byte));
    }
  }
}

/**
 * The source's label and weight 1 where the mask is not 0, else the other's label and weight.
 *
 * Items: 4096 pixels.
 */
export function pasteLabels(
  mask: usize,
  source: usize,
  other: usize,
  otherWeights: usize,
  labels: usize,
  pixelWeights: usize,
  count: i32,
  begin: i32,
  end: i32,
): void {
  for (let i = begin * ITEM_ELEMENTS; i < min(end * ITEM_ELEMENTS, count); i++) {
    const at = FLOAT * <usize> i;
    const isPasted = load<i32>(mask + at) !== 0;
    store<i32>(labels + at, load<i32>(isPasted ? source + at : other + at));
    store<f32>(pixelWeights + at, isPasted ? 1 : load<f32>(otherWeights + at));
  }
}

/** Positions of a line that are one item of a blur. */
const POSITIONS_PER_ITEM: i32 = 16;

/**
 * y[p] = Σ over k of weights[k] · x[reflect(p + k − taps / 2)] along one axis.
 *
 * Items are 16 positions of a line, of all lines.
 *
 * @param inner Floats of a position.
 * @param image Floats of an image, which has `taps` weights of its own.
 */
export function blur(
  x: usize,
  weights: usize,
  y: usize,
  length: i32,
  inner: i32,
  image: i32,
  taps: i32,
  begin: i32,
  end: i32,
): void {
  const perLine = (length + POSITIONS_PER_ITEM - 1) / POSITIONS_PER_ITEM;
  const radius = taps / 2;
  for (let item = begin; item < end; item++) {
    const line = item / perLine * length * inner;
    const filter = weights + FLOAT * <usize> (line / image * taps);
    const from = x + FLOAT * <usize> line, to = y + FLOAT * <usize> line;
    let first = item % perLine * POSITIONS_PER_ITEM;
    const last = min(first + POSITIONS_PER_ITEM, length);
    // Positions that reflect nothing are computed as one.
    const endInside = min(last, length - radius);
    while (first < last) {
      const isInside = first >= radius && first < endInside;
      const count = isInside ? endInside - first : 1;
      blurPositions(from, filter, to, length, inner, taps, first, count);
      first += count;
    }
  }
}

// `count` positions from `first` on; one, or such that reflect nothing.
function blurPositions(
  x: usize,
  weights: usize,
  y: usize,
  length: i32,
  inner: i32,
  taps: i32,
  first: i32,
  count: i32,
): void {
  const positionBytes = FLOAT * <usize> inner;
  const bytes = positionBytes * count;
  const to = y + positionBytes * first;
  for (let e: usize = 0; e < bytes; e += 16) {
    let sum = f32x4.splat(0);
    for (let k: i32 = 0; k < taps; k++) {
      const position = reflect(first + k - taps / 2, length);
      const value = loadUpTo(x + positionBytes * position + e, bytes - e);
      sum = multiplyAdd(v128.load32_splat(weights + FLOAT * <usize> k), value, sum);
    }
    storeUpTo(to + e, sum, bytes - e);
  }
}

// A position mirrored at the first and the last.
function reflect(position: i32, length: i32): i32 {
  return length - 1 - abs(length - 1 - abs(position));
}
