// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays, TypedArray, UniformsOf } from "../../gpu/kernel.ts";

/** Tokens of a grid, `height` × `width`, and the grid that the table is made for. */
export const GRID_UNIFORMS = {
  heads: "u32",
  height: "u32",
  width: "u32",
  tableHeight: "u32",
  tableWidth: "u32",
} as const;

type GridSizes = UniformsOf<typeof GRID_UNIFORMS>;

/** Side of a window, how far maps were rolled, and windows per map. */
export const WINDOW_BIAS_UNIFORMS = {
  heads: "u32",
  window: "u32",
  shift: "u32",
  rows: "u32",
  columns: "u32",
} as const;

type WindowBiasSizes = UniformsOf<typeof WINDOW_BIAS_UNIFORMS>;

/** What Swin Transformer adds between pixels that must not attend to each other. */
const MASKED_SCORE = -100;

/** out = scores + bias of the relative position. */
export function gridBiasReference(
  { scores, table, out }: Arrays<"scores" | "table" | "out">,
  sizes: GridSizes,
): void {
  const bias = biasOf(table, gridEntries(sizes), sizes.heads);
  for (let first = 0; first < scores.length; first += bias.length) {
    for (let k = 0; k < bias.length; k++) out[first + k] = scores[first + k]! + bias[k]!;
  }
}

/** dtable[e, h] = Σ over pairs of tokens with entry e of dy[h, i, j]. */
export function gridTableGradientReference(
  { dy, dtable }: Arrays<"dy" | "dtable">,
  sizes: GridSizes,
): void {
  sumByEntry(dy, gridEntries(sizes), sizes.heads, dtable);
}

/** out = scores + bias of the relative position (+ −100 across a seam). */
export function windowBiasReference(
  { scores, table, out }: Arrays<"scores" | "table" | "out">,
  { heads, window: w, shift, rows, columns }: WindowBiasSizes,
): void {
  const pairs = w ** 4;
  const bias = biasOf(table, windowEntries(w), heads);
  // Of windows with no seam, one to the right, one below, and both.
  const masks = [0, 1, 2, 3].map((kind) =>
    shiftedWindowMask(w, shift, kind > 1, kind % 2 === 1)
  );
  let k = 0;
  for (let n = 0; k < scores.length; n++) {
    const lowest = Math.floor(n / columns) % rows === rows - 1;
    const rightmost = n % columns === columns - 1;
    const mask = masks[2 * Number(lowest) + Number(rightmost)]!;
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < pairs; i++, k++) {
        out[k] = scores[k]! + bias[h * pairs + i]! + mask[i]!;
      }
    }
  }
}

/** dtable[Δ, h] = Σ over pairs of pixels at offset Δ of dy[h, p, q]. */
export function windowTableGradientReference(
  { dy, dtable }: Arrays<"dy" | "dtable">,
  { heads, window }: Pick<WindowBiasSizes, "heads" | "window">,
): void {
  sumByEntry(dy, windowEntries(window), heads, dtable);
}

// The bias of every head and pair.
function biasOf(table: TypedArray, entries: Int32Array, heads: number): Float32Array {
  const bias = new Float32Array(heads * entries.length);
  forEachEntry(entries, heads, (entry, k) => bias[k] = table[entry]!);
  return bias;
}

function sumByEntry(
  dy: TypedArray,
  entries: Int32Array,
  heads: number,
  dtable: TypedArray,
): void {
  const sums = new Float64Array(dtable.length);
  forEachEntry(entries, heads, (entry, k) => sums[entry]! += dy[k]!);
  dtable.set(sums);
}

// Visits the place in the table of head after head and pair after pair.
function forEachEntry(
  entries: Int32Array,
  heads: number,
  visit: (entry: number, k: number) => void,
): void {
  let k = 0;
  for (let h = 0; h < heads; h++) {
    for (const entry of entries) visit(entry * heads + h, k++);
  }
}

// The entry of every pair of tokens in the table, in the order of a matrix.
function gridEntries({ height, width, tableHeight, tableWidth }: GridSizes): Int32Array {
  const wide = 2 * tableWidth - 1;
  const offsets = (2 * tableHeight - 1) * wide;
  const tokens = 1 + height * width;
  return Int32Array.from({ length: tokens ** 2 }, (_, k) => {
    const [i, j] = [Math.floor(k / tokens), k % tokens];
    if (i === 0) return offsets + (j === 0 ? 2 : 0);
    if (j === 0) return offsets + 1;
    const down = Math.floor((i - 1) / width) - Math.floor((j - 1) / width);
    const right = (i - 1) % width - (j - 1) % width;
    return (down + tableHeight - 1) * wide + right + tableWidth - 1;
  });
}

// The entry of every pair of pixels of a window.
function windowEntries(w: number): Int32Array {
  return pairsOfWindow(
    w,
    (py, px, qy, qx) => (py - qy + w - 1) * (2 * w - 1) + px - qx + w - 1,
  );
}

// What is added to every pair of pixels of a window with seams.
function shiftedWindowMask(
  w: number,
  shift: number,
  bottom: boolean,
  right: boolean,
): Int32Array {
  const seam = w - shift;
  return pairsOfWindow(w, (py, px, qy, qx) => {
    const isMasked = (bottom && (py < seam) !== (qy < seam)) ||
      (right && (px < seam) !== (qx < seam));
    return isMasked ? MASKED_SCORE : 0;
  });
}

function pairsOfWindow(
  w: number,
  valueOf: (py: number, px: number, qy: number, qx: number) => number,
): Int32Array {
  return Int32Array.from({ length: w ** 4 }, (_, k) => {
    const [p, q] = [Math.floor(k / w ** 2), k % w ** 2];
    return valueOf(Math.floor(p / w), p % w, Math.floor(q / w), q % w);
  });
}
