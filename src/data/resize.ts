/** Scaling pictures and labels the way OpenCV does, which published results rest on. @module */

/** Height and width in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** A rectangle of pixels. */
export interface Window extends Size {
  readonly top: number;
  readonly left: number;
}

/** Steps of an interpolation weight: OpenCV's 11 bits. */
const ONE = 2048;

/**
 * The largest size of the same shape that fits a box in either orientation.
 *
 * s = min(max(box)/max(H, W), min(box)/min(H, W)); new side = ⌊side·s + ½⌋
 *
 * Source: `rescale_size` of MMCV 1.4.0. A picture of 1914×1052 becomes 1280×704 in a box
 * of 1280×720.
 *
 * @param size The picture's size.
 * @param box The box; null keeps the size.
 */
export function fitBox(size: Size, box: Size | null): Size {
  const { height, width } = size;
  if (box === null) return { height, width };
  const scale = Math.min(
    Math.max(box.height, box.width) / Math.max(height, width),
    Math.min(box.height, box.width) / Math.min(height, width),
  );
  return {
    height: Math.max(1, Math.floor(height * scale + 0.5)),
    width: Math.max(1, Math.floor(width * scale + 0.5)),
  };
}

/**
 * Bilinear scaling of 8-bit RGB, without antialiasing.
 *
 * Source position = (i + ½)·in/out − ½, neighbours clamped to the border; weights have 11
 * bits and the result is rounded to whole numbers.
 *
 * Source: `cv::resize` with INTER_LINEAR of OpenCV 4.4 on `uint8`.
 *
 * @param image Red, green, blue. [H, W, 3]
 * @param from Its size.
 * @param to The size to scale to.
 * @param window The part of the scaled picture to compute; all of it if left out.
 * @returns The window. [window.height, window.width, 3]
 */
export function resizeBilinear(
  image: Uint8Array,
  from: Size,
  to: Size,
  window: Window = { top: 0, left: 0, ...to },
): Uint8Array {
  const { top, left, height, width } = window;
  const result = new Uint8Array(height * width * 3);
  if (from.height === to.height && from.width === to.width) {
    for (let row = 0; row < height; row++) {
      const start = ((top + row) * from.width + left) * 3;
      result.set(image.subarray(start, start + width * 3), row * width * 3);
    }
    return result;
  }

  const columns = taps(from.width, to.width, left, width);
  const rows = taps(from.height, to.height, top, height);
  for (let row = 0; row < height; row++) {
    const above = (rows.first[row] ?? 0) * from.width * 3;
    const below = (rows.second[row] ?? 0) * from.width * 3;
    const lower = rows.weight[row] ?? 0;
    const upper = ONE - lower;
    for (let column = 0; column < width; column++) {
      const a = (columns.first[column] ?? 0) * 3;
      const b = (columns.second[column] ?? 0) * 3;
      const right = columns.weight[column] ?? 0;
      const near = ONE - right;
      const at = (row * width + column) * 3;
      for (let c = 0; c < 3; c++) {
        const high = near * (image[above + a + c] ?? 0) +
          right * (image[above + b + c] ?? 0);
        const low = near * (image[below + a + c] ?? 0) +
          right * (image[below + b + c] ?? 0);
        // OpenCV drops bits on the way so that its sums fit 16-bit lanes.
        result[at + c] = ((upper * (high >> 4)) >> 16) + ((lower * (low >> 4)) >> 16) +
            2 >> 2;
      }
    }
  }
  return result;
}

/**
 * Nearest-neighbour scaling of a label: source position = ⌊i·in/out⌋, no half-pixel shift.
 *
 * Source: `cv::resize` with INTER_NEAREST of OpenCV 4.4.
 *
 * @param label Class ids. [H, W]
 * @returns Class ids. [to.height, to.width]
 */
export function resizeNearest(label: Uint8Array, from: Size, to: Size): Uint8Array {
  if (from.height === to.height && from.width === to.width) return label.slice();
  const result = new Uint8Array(to.height * to.width);
  const columns = new Int32Array(to.width);
  for (let i = 0; i < to.width; i++) {
    columns[i] = Math.min(Math.floor(i * from.width / to.width), from.width - 1);
  }
  for (let row = 0; row < to.height; row++) {
    const source = Math.min(Math.floor(row * from.height / to.height), from.height - 1) *
      from.width;
    for (let i = 0; i < to.width; i++) {
      result[row * to.width + i] = label[source + (columns[i] ?? 0)] ?? 0;
    }
  }
  return result;
}

// Both neighbours of each output position along one axis, and the second one's weight.
function taps(from: number, to: number, start: number, count: number) {
  const first = new Int32Array(count);
  const second = new Int32Array(count);
  const weight = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const position = Math.fround((start + i + 0.5) * (from / to) - 0.5);
    const floor = Math.floor(position);
    first[i] = Math.min(Math.max(floor, 0), from - 1);
    second[i] = Math.min(Math.max(floor + 1, 0), from - 1);
    weight[i] = Math.round((position - floor) * ONE);
  }
  return { first, second, weight };
}
