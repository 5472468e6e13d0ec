// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";
import type { MapSizes } from "../resampling.ts";

/** Sizes of one average pool of NHWC maps; `window` 0 means adaptive bins. */
export interface AveragePoolSizes extends MapSizes {
  readonly window: number;
  readonly stride: number;
}

/** For each output index: the first input of its bin, and the one after the last. */
interface Bins {
  readonly start: Int32Array;
  readonly end: Int32Array;
}

function bins(inputs: number, outputs: number, window: number, stride: number): Bins {
  const start = new Int32Array(outputs);
  const end = new Int32Array(outputs);
  for (let i = 0; i < outputs; i++) {
    start[i] = window === 0 ? Math.floor(i * inputs / outputs) : i * stride;
    end[i] = window === 0 ? Math.ceil((i + 1) * inputs / outputs) : i * stride + window;
  }
  return { start, end };
}

/** y = mean of each bin of x. */
export function averagePoolReference(x: Cells, y: Cells, sizes: AveragePoolSizes): void {
  y.fill(0);
  eachPixel(sizes, x.length, (at, output, share, C) => {
    for (let c = 0; c < C; c++) y[output + c]! += x[at + c]! * share;
  });
}

/** dx = what each input pixel gave to the means. */
export function averagePoolGradientReference(
  dy: Cells,
  dx: Cells,
  sizes: AveragePoolSizes,
): void {
  dx.fill(0);
  eachPixel(sizes, dx.length, (at, output, share, C) => {
    for (let c = 0; c < C; c++) dx[at + c]! += dy[output + c]! * share;
  });
}

// Visits every pixel of every bin with the places of its channels and its share.
function eachPixel(
  { height, width, channels: C, outHeight, outWidth, window, stride }: AveragePoolSizes,
  length: number,
  visit: (at: number, output: number, share: number, C: number) => void,
): void {
  const rows = bins(height, outHeight, window, stride);
  const cols = bins(width, outWidth, window, stride);
  const images = length / (height * width * C);
  let output = 0;
  for (let b = 0; b < images; b++) {
    for (let ty = 0; ty < outHeight; ty++) {
      for (let tx = 0; tx < outWidth; tx++, output += C) {
        const tall = rows.end[ty]! - rows.start[ty]!;
        const wide = cols.end[tx]! - cols.start[tx]!;
        for (let row = rows.start[ty]!; row < rows.end[ty]!; row++) {
          for (let col = cols.start[tx]!; col < cols.end[tx]!; col++) {
            visit(((b * height + row) * width + col) * C, output, 1 / (tall * wide), C);
          }
        }
      }
    }
  }
}
