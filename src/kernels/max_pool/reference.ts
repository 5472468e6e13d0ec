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

/** dx = the gradient of every window, at the place of its maximum. */
export function maxPoolGradientReference(
  [dy, places]: readonly [Cells, Cells],
  dx: Cells,
  { height, width, channels: C, outHeight, outWidth }: MaxPoolSizes,
): void {
  dx.fill(0);
  for (let i = 0; i < dy.length; i++) {
    const image = Math.floor(i / (outHeight * outWidth * C));
    dx[(image * height * width + places[i]!) * C + i % C]! += dy[i]!;
  }
}
