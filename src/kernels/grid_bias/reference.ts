// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";

/** Which tokens the scores are of; one field per uniform of the shaders. */
export interface GridBiasSizes {
  readonly heads: number;
  /** Rows of tokens. */
  readonly height: number;
  /** Tokens per row. */
  readonly width: number;
  /** Rows the table is made for, at least `height`. */
  readonly tableHeight: number;
  /** Tokens per row the table is made for, at least `width`. */
  readonly tableWidth: number;
}

/** out = scores + bias of the relative position. */
export function gridBiasReference(
  scores: Cells,
  table: Cells,
  out: Cells,
  sizes: GridBiasSizes,
): void {
  const { heads } = sizes;
  for (let k = 0; k < scores.length;) {
    for (let h = 0; h < heads; h++) {
      eachPair(sizes, (entry) => {
        out[k] = scores[k]! + table[entry * heads + h]!;
        k++;
      });
    }
  }
}

/** out[e, h] = Σ over pairs of tokens with entry e of dy[h, i, j]. */
export function tableGradientReference(
  dy: Cells,
  out: Cells,
  sizes: GridBiasSizes,
): void {
  const { heads } = sizes;
  const sum = new Float64Array(out.length);
  let k = 0;
  for (let h = 0; h < heads; h++) {
    eachPair(sizes, (entry) => {
      sum[entry * heads + h]! += dy[k++]!;
    });
  }
  out.set(sum);
}

// Calls with the entry of every pair of tokens, in the order of a matrix.
function eachPair(
  { height, width, tableHeight, tableWidth }: GridBiasSizes,
  visit: (entry: number) => void,
): void {
  const wide = 2 * tableWidth - 1;
  const pairs = (2 * tableHeight - 1) * wide;
  visit(pairs + 2);
  for (let j = 0; j < height * width; j++) visit(pairs);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      visit(pairs + 1);
      for (let row = 0; row < height; row++) {
        const first = (y - row + tableHeight - 1) * wide + x + tableWidth - 1;
        for (let column = 0; column < width; column++) visit(first - column);
      }
    }
  }
}
