// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";

/** How maps are cut into windows; one field per uniform of the shaders. */
export interface WindowSizes {
  /** H, in pixels. */
  readonly height: number;
  /** W, in pixels. */
  readonly width: number;
  /** C */
  readonly channels: number;
  /** Side of a window, in pixels. */
  readonly window: number;
  /** By how many pixels the maps are rolled up and to the left, less than `window`. */
  readonly shift: number;
  /** R, windows from top to bottom: ⌈H / window⌉. */
  readonly rows: number;
  /** S, windows from left to right: ⌈W / window⌉. */
  readonly columns: number;
}

/** windows = x, cut; 0 beyond its border. */
export function splitReference(x: Cells, windows: Cells, sizes: WindowSizes): void {
  const { channels: C } = sizes;
  windows.fill(0);
  eachPixel(sizes, windows.length, (pixel, place) => {
    for (let c = 0; c < C; c++) windows[place * C + c] = x[pixel * C + c]!;
  });
}

/** x = the windows, joined. */
export function joinReference(windows: Cells, x: Cells, sizes: WindowSizes): void {
  const { channels: C } = sizes;
  eachPixel(sizes, windows.length, (pixel, place) => {
    for (let c = 0; c < C; c++) x[pixel * C + c] = windows[place * C + c]!;
  });
}

// Calls with every pixel of the maps and its place in the windows.
function eachPixel(
  { height, width, channels, window, shift, rows, columns }: WindowSizes,
  windowCells: number,
  visit: (pixel: number, place: number) => void,
): void {
  const batch = windowCells / (rows * columns * window ** 2 * channels);
  let pixel = 0;
  for (let b = 0; b < batch; b++) {
    for (let row = 0; row < height; row++) {
      const y = (row - shift + rows * window) % (rows * window);
      for (let col = 0; col < width; col++, pixel++) {
        const x = (col - shift + columns * window) % (columns * window);
        const r = b * rows + Math.floor(y / window);
        const number = r * columns + Math.floor(x / window);
        visit(pixel, (number * window + y % window) * window + x % window);
      }
    }
  }
}
