// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";
import type { MapSizes } from "../resampling.ts";

/** Sizes of one nearest resize of NHWC maps. */
export type ResizeNearestSizes = MapSizes;

/** y[ty, tx] = x[floor(ty · H/OH), floor(tx · W/OW)]. */
export function resizeNearestReference(
  x: Cells,
  y: Cells,
  sizes: ResizeNearestSizes,
): void {
  eachCopy(sizes, y.length, (from, to, C) => {
    for (let c = 0; c < C; c++) y[to + c] = x[from + c]!;
  });
}

/** dx = the sum over the copies of each input. */
export function resizeNearestGradientReference(
  dy: Cells,
  dx: Cells,
  sizes: ResizeNearestSizes,
): void {
  dx.fill(0);
  eachCopy(sizes, dy.length, (from, to, C) => {
    for (let c = 0; c < C; c++) dx[from + c]! += dy[to + c]!;
  });
}

function eachCopy(
  { height, width, channels: C, outHeight, outWidth }: ResizeNearestSizes,
  length: number,
  visit: (from: number, to: number, C: number) => void,
): void {
  const images = length / (outHeight * outWidth * C);
  let to = 0;
  for (let b = 0; b < images; b++) {
    for (let ty = 0; ty < outHeight; ty++) {
      const row = b * height + Math.floor(ty * height / outHeight);
      for (let tx = 0; tx < outWidth; tx++, to += C) {
        visit((row * width + Math.floor(tx * width / outWidth)) * C, to, C);
      }
    }
  }
}
