// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";

/** Which windows the scores are of; one field per uniform of the shader. */
export interface WindowBiasSizes {
  readonly heads: number;
  /** Side of a window, in pixels. */
  readonly window: number;
  /** By how many pixels the maps were rolled, less than `window`. */
  readonly shift: number;
  /** Windows from top to bottom. */
  readonly rows: number;
  /** Windows from left to right. */
  readonly columns: number;
}

// What the reference adds where it wants no attention.
const APART = -100;

/** out = scores + bias of the relative position (+ −100 across a seam). */
export function windowBiasReference(
  scores: Cells,
  table: Cells,
  out: Cells,
  { heads, window: w, shift, rows, columns }: WindowBiasSizes,
): void {
  const pairs = w ** 4;
  const bias = biasOf(table, heads, w);
  // Of windows with no seam, one to the right, one below, and both.
  const masks = [0, 1, 2, 3].map((kind) => seamOf(w, shift, kind > 1, kind % 2 === 1));
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

// The table's entry of every head and pair.
function biasOf(table: Cells, heads: number, w: number): Float32Array {
  const bias = new Float32Array(heads * w ** 4);
  let k = 0;
  for (let h = 0; h < heads; h++) {
    eachPair(w, (_py, _px, _qy, _qx, entry) => {
      bias[k++] = table[entry * heads + h]!;
    });
  }
  return bias;
}

// What is added to every pair of a window with seams.
function seamOf(w: number, shift: number, below: boolean, beside: boolean): Float32Array {
  const mask = new Float32Array(w ** 4);
  const seam = w - shift;
  let k = 0;
  eachPair(w, (py, px, qy, qx) => {
    const apart = (below && (py < seam) !== (qy < seam)) ||
      (beside && (px < seam) !== (qx < seam));
    mask[k++] = apart ? APART : 0;
  });
  return mask;
}

/** out[Δ, h] = Σ over pairs of pixels at distance Δ of dy[h, p, q]. */
export function tableGradientReference(
  dy: Cells,
  out: Cells,
  { heads, window }: Pick<WindowBiasSizes, "heads" | "window">,
): void {
  const sum = new Float64Array(out.length);
  let k = 0;
  for (let h = 0; h < heads; h++) {
    eachPair(window, (_py, _px, _qy, _qx, entry) => {
      sum[entry * heads + h]! += dy[k++]!;
    });
  }
  out.set(sum);
}

// Calls with all pairs of pixels in the order of a matrix, and their entry in a table.
function eachPair(
  w: number,
  visit: (py: number, px: number, qy: number, qx: number, entry: number) => void,
): void {
  for (let py = 0; py < w; py++) {
    for (let px = 0; px < w; px++) {
      for (let qy = 0; qy < w; qy++) {
        const row = (py - qy + w - 1) * (2 * w - 1);
        for (let qx = 0; qx < w; qx++) visit(py, px, qy, qx, row + px - qx + w - 1);
      }
    }
  }
}
