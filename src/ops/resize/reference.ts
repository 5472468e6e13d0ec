// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";
import {
  type BilinearSizes,
  columnTaps,
  lerpColumns,
  lerpRows,
  upsampledRows,
} from "../bilinear/bilinear.ts";
import type { MapSizes } from "../map_sizes.ts";

/** y = bilinear resize of x. */
export function resizeBilinearReference(
  { x, y }: Arrays<"x" | "y">,
  sizes: BilinearSizes,
): void {
  const { height, width, channels: C, outWidth } = sizes;
  const taps = columnTaps(sizes);
  const line = new Float64Array(width * C);
  const pixel = new Float64Array(C);
  let at = 0;
  for (const row of upsampledRows(sizes, x.length / (height * width * C))) {
    lerpRows(x, row, line);
    for (let col = 0; col < outWidth; col++, at += C) {
      lerpColumns(line, taps, col, pixel);
      y.set(pixel, at);
    }
  }
}

/** dx = what each input pixel gave to the outputs. */
export function resizeBilinearGradientReference(
  { dy, dx }: Arrays<"dy" | "dx">,
  sizes: BilinearSizes,
): void {
  const { height, width, channels: C, outWidth } = sizes;
  const taps = columnTaps(sizes);
  dx.fill(0);
  let at = 0;
  for (
    const { upper, lower, weight: fy } of upsampledRows(
      sizes,
      dx.length / (height * width * C),
    )
  ) {
    for (let col = 0; col < outWidth; col++) {
      const [left, right] = [taps.low[col]! * C, taps.high[col]! * C];
      const fx = taps.weight[col]!;
      for (let c = 0; c < C; c++) {
        const g = dy[at++]!;
        dx[upper + left + c]! += g * (1 - fy) * (1 - fx);
        dx[upper + right + c]! += g * (1 - fy) * fx;
        dx[lower + left + c]! += g * fy * (1 - fx);
        dx[lower + right + c]! += g * fy * fx;
      }
    }
  }
}

/** y[ty, tx] = x[floor(ty · H/OH), floor(tx · W/OW)]. */
export function resizeNearestReference(
  { x, y }: Arrays<"x" | "y">,
  sizes: MapSizes,
): void {
  forEachCopy(sizes, y.length, (from, to, C) => {
    for (let c = 0; c < C; c++) y[to + c] = x[from + c]!;
  });
}

/** dx = the sum over the copies of each input. */
export function resizeNearestGradientReference(
  { dy, dx }: Arrays<"dy" | "dx">,
  sizes: MapSizes,
): void {
  dx.fill(0);
  forEachCopy(sizes, dy.length, (from, to, C) => {
    for (let c = 0; c < C; c++) dx[from + c]! += dy[to + c]!;
  });
}

function forEachCopy(
  { height, width, channels: C, outHeight, outWidth }: MapSizes,
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
