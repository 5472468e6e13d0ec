// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";

/** Sizes of one max pool of NHWC maps; `window` is the side of the kernel. */
export interface MaxPoolSizes {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly window: number;
  readonly stride: number;
  readonly padding: number;
}

/** y = maximum of each window; places = row · W + column of the first such pixel. */
export function maxPoolReference(
  x: Cells,
  [y, places]: readonly [Cells, Cells],
  sizes: MaxPoolSizes,
): void {
  const { height, width, channels: C, outHeight, outWidth, window, stride, padding } =
    sizes;
  const images = x.length / (height * width * C);
  let i = 0;
  for (let b = 0; b < images; b++) {
    const first = b * height * width;
    for (let ty = 0; ty < outHeight; ty++) {
      const top = Math.max(ty * stride - padding, 0);
      const bottom = Math.min(ty * stride - padding + window, height);
      for (let tx = 0; tx < outWidth; tx++) {
        const left = Math.max(tx * stride - padding, 0);
        const right = Math.min(tx * stride - padding + window, width);
        for (let c = 0; c < C; c++, i++) {
          let place = top * width + left;
          let best = x[(first + place) * C + c]!;
          for (let row = top; row < bottom; row++) {
            for (let col = left; col < right; col++) {
              const value = x[(first + row * width + col) * C + c]!;
              if (value > best) {
                best = value;
                place = row * width + col;
              }
            }
          }
          y[i] = best;
          places[i] = place;
        }
      }
    }
  }
}

/**
 * dx = the gradient of every window, at the first pixel of the window that equals its
 * maximum y.
 */
export function maxPoolGradientReference(
  [x, y, dy]: readonly [Cells, Cells, Cells],
  dx: Cells,
  sizes: MaxPoolSizes,
): void {
  const { height, width, channels: C, outHeight, outWidth, window, stride, padding } =
    sizes;
  const images = x.length / (height * width * C);
  const line = width * C;
  dx.fill(0);
  let i = 0;
  for (let b = 0; b < images; b++) {
    for (let ty = 0; ty < outHeight; ty++) {
      const top = b * height + Math.max(ty * stride - padding, 0);
      const bottom = b * height + Math.min(ty * stride - padding + window, height);
      for (let tx = 0; tx < outWidth; tx++) {
        const left = Math.max(tx * stride - padding, 0);
        const right = Math.min(tx * stride - padding + window, width);
        const first = top * line + left * C;
        const beyond = (right - left) * C;
        const end = first + (bottom - top) * line;
        for (let c = 0; c < C; c++, i++) {
          const largest = y[i]!;
          let place = first + c; // of NaN, which equals nothing
          search: for (let row = first + c; row < end; row += line) {
            for (let at = row; at < row + beyond; at += C) {
              if (x[at] === largest) {
                place = at;
                break search;
              }
            }
          }
          dx[place]! += dy[i]!;
        }
      }
    }
  }
}
