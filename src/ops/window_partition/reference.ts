// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays, UniformsOf } from "../../gpu/kernel.ts";

/** Uniforms of the kernels; {@linkcode WindowSizes} says what they are. */
export const WINDOW_UNIFORMS = {
  height: "u32",
  width: "u32",
  channels: "u32",
  window: "u32",
  shift: "u32",
  rows: "u32",
  columns: "u32",
} as const;

/**
 * How maps [B, H, W, C] are rolled by `shift` pixels up and to the left and cut into windows
 * of `window` pixels a side: R = ⌈H / window⌉ `rows` of S = ⌈W / window⌉ `columns`.
 */
export type WindowSizes = UniformsOf<typeof WINDOW_UNIFORMS>;

/** windows = x, cut; 0 beyond its border. */
export function windowPartitionReference(
  { x, windows }: Arrays<"x" | "windows">,
  sizes: WindowSizes,
): void {
  const { channels: C } = sizes;
  windows.fill(0);
  forEachPixel(sizes, windows.length, (pixel, place) => {
    for (let c = 0; c < C; c++) windows[place * C + c] = x[pixel * C + c]!;
  });
}

/** x = the windows, joined. */
export function windowReverseReference(
  { windows, x }: Arrays<"windows" | "x">,
  sizes: WindowSizes,
): void {
  const { channels: C } = sizes;
  forEachPixel(sizes, windows.length, (pixel, place) => {
    for (let c = 0; c < C; c++) x[pixel * C + c] = windows[place * C + c]!;
  });
}

// Calls with every pixel of the maps and its place in the windows.
function forEachPixel(
  { height, width, channels, window, shift, rows, columns }: WindowSizes,
  windowElements: number,
  visit: (pixel: number, place: number) => void,
): void {
  const batch = windowElements / (rows * columns * window ** 2 * channels);
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
