// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";
import type { MapSizes } from "../resampling.ts";

/** Sizes of one bilinear resize of NHWC maps. */
export interface ResizeSizes extends MapSizes {
  /** 1 for align corners, 0 for half-pixel centres. */
  readonly alignCorners: number;
}

/** For each output: the lower input, the upper input, and the weight of the upper. */
interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly share: Float32Array;
}

function taps(inputs: number, outputs: number, alignCorners: number): Taps {
  const low = new Int32Array(outputs);
  const high = new Int32Array(outputs);
  const share = new Float32Array(outputs);
  for (let t = 0; t < outputs; t++) {
    const source = alignCorners === 1
      ? (outputs === 1 ? 0 : t * (inputs - 1) / (outputs - 1))
      : Math.max((t + 0.5) * inputs / outputs - 0.5, 0);
    low[t] = Math.min(Math.floor(source), inputs - 1);
    high[t] = Math.min(low[t]! + 1, inputs - 1);
    share[t] = source - low[t]!;
  }
  return { low, high, share };
}

/** y = bilinear resize of x. */
export function resizeBilinearReference(x: Cells, y: Cells, sizes: ResizeSizes): void {
  const { height, width, channels: C, outHeight, outWidth } = sizes;
  const rows = taps(height, outHeight, sizes.alignCorners);
  const cols = taps(width, outWidth, sizes.alignCorners);
  const images = x.length / (height * width * C);
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
          const above = x[a00 + c]! + (x[a01 + c]! - x[a00 + c]!) * fx;
          const below = x[a10 + c]! + (x[a11 + c]! - x[a10 + c]!) * fx;
          y[at++] = above + (below - above) * fy;
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
