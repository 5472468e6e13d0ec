// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import { mixRows, taps } from "../bilinear.ts";
import type { Cells } from "../kernel.ts";
import type { MapSizes } from "../resampling.ts";

/** Sizes of one bilinear resize of NHWC maps. */
export interface ResizeSizes extends MapSizes {
  /** 1 for align corners, 0 for half-pixel centres. */
  readonly alignCorners: number;
}

/** y = bilinear resize of x. */
export function resizeBilinearReference(x: Cells, y: Cells, sizes: ResizeSizes): void {
  const { height, width, channels: C, outHeight, outWidth } = sizes;
  const rows = taps(height, outHeight, sizes.alignCorners);
  const cols = taps(width, outWidth, sizes.alignCorners);
  const images = x.length / (height * width * C);
  const line = new Float64Array(width * C);
  let at = 0;
  for (let b = 0; b < images; b++) {
    for (let row = 0; row < outHeight; row++) {
      const upper = (b * height + rows.low[row]!) * width * C;
      const lower = (b * height + rows.high[row]!) * width * C;
      mixRows(x, upper, lower, rows.share[row]!, line);
      for (let col = 0; col < outWidth; col++) {
        const left = cols.low[col]! * C;
        const right = cols.high[col]! * C;
        const fx = cols.share[col]!;
        for (let c = 0; c < C; c++) {
          y[at++] = line[left + c]! + (line[right + c]! - line[left + c]!) * fx;
        }
      }
    }
  }
}

/** dx = what each input pixel gave to the outputs. */
export function resizeBilinearGradientReference(
  dy: Cells,
  dx: Cells,
  sizes: ResizeSizes,
): void {
  const { height, width, channels: C, outHeight, outWidth } = sizes;
  const rows = taps(height, outHeight, sizes.alignCorners);
  const cols = taps(width, outWidth, sizes.alignCorners);
  const images = dx.length / (height * width * C);
  dx.fill(0);
  let at = 0;
  for (let b = 0; b < images; b++) {
    for (let row = 0; row < outHeight; row++) {
      const upper = (b * height + rows.low[row]!) * width;
      const lower = (b * height + rows.high[row]!) * width;
      const fy = rows.share[row]!;
      for (let col = 0; col < outWidth; col++) {
        const fx = cols.share[col]!;
        const a00 = (upper + cols.low[col]!) * C;
        const a01 = (upper + cols.high[col]!) * C;
        const a10 = (lower + cols.low[col]!) * C;
        const a11 = (lower + cols.high[col]!) * C;
        for (let c = 0; c < C; c++) {
          const g = dy[at++]!;
          dx[a00 + c]! += g * (1 - fy) * (1 - fx);
          dx[a01 + c]! += g * (1 - fy) * fx;
          dx[a10 + c]! += g * fy * (1 - fx);
          dx[a11 + c]! += g * fy * fx;
        }
      }
    }
  }
}
