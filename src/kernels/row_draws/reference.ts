// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import { pcg4d } from "../../core/random.ts";
import type { Cells } from "../kernel.ts";

/** Which random numbers a draw uses. */
export interface DrawKey {
  readonly seed: number;
  readonly stream: number;
  /** Counts loss evaluations. */
  readonly evaluation: number;
}

/** Columns whose set cells are counted together. */
export const BLOCK = 256;

/** Makes the number in [0, 1) of every draw. */
export function uniformOf({ seed, stream, evaluation }: DrawKey): (i: number) => number {
  const words = new Uint32Array(4);
  return (i) => {
    words[0] = seed;
    words[1] = stream;
    words[2] = evaluation;
    words[3] = i;
    pcg4d(words);
    return (words[0]! >>> 8) * 2 ** -24;
  };
}

/** One of `width` whole numbers, as a float32 product chooses it. */
export function wholeBelow(width: number, uniform: number): number {
  return Math.min(Math.floor(Math.fround(uniform * width)), width - 1);
}

/** counts[r, b] = set cells of block b of row r. */
export function countReference(mask: Cells, counts: Cells, columns: number): void {
  counts.fill(0);
  const blocks = Math.ceil(columns / BLOCK);
  mask.forEach((cell, i) => {
    if (cell === 0) return;
    counts[Math.floor(i / columns) * blocks + Math.floor(i % columns / BLOCK)]!++;
  });
}

/** index[r, j] = column of a random set cell of row r, as `draw.wgsl` says. */
export function drawReference(
  mask: Cells,
  index: Cells,
  columns: number,
  draws: number,
  spread: boolean,
  key: DrawKey,
): void {
  const uniform = uniformOf(key);
  for (let r = 0; r < index.length / draws; r++) {
    const set: number[] = [];
    for (let c = 0; c < columns; c++) if (mask[r * columns + c] !== 0) set.push(c);
    const n = set.length;
    for (let j = 0; j < draws; j++) {
      const few = spread && n <= draws;
      const from = few ? j : spread ? Math.floor(j * n / draws) : 0;
      const end = few ? j + 1 : spread ? Math.floor((j + 1) * n / draws) : n;
      const k = from + wholeBelow(end - from, uniform(r * draws + j));
      index[r * draws + j] = n === 0 ? -1 : set[k] ?? -1;
    }
  }
}
