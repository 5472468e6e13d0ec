/** Label maps at the resolution of features. @module */
import { IGNORED } from "../core/host_batch.ts";

/** Size of a batch of label maps, in pixels. */
export interface LabelSize {
  /** H */
  readonly height: number;
  /** W */
  readonly width: number;
}

/** When a coarse cell belongs to a class. */
export interface DownscaleOptions {
  /** C, the number of classes. */
  readonly classes: number;
  /** Pixels per cell along each side. */
  readonly factor: number;
  /** A class must hold at least this share of its cell, else the cell is ignored. */
  readonly minimumShare: number;
}

/**
 * Gives each cell the class that most of its pixels have.
 *
 * Ignored pixels count as a class of their own; if they are the most, the cell is ignored.
 * Of equally frequent classes the first wins. Pixels that fill no cell are left out.
 *
 * Source: Hoyer et al., "DAFormer" (CVPR 2022), https://arxiv.org/abs/2111.14887, section
 * 3.3.
 *
 * @param labels Class ids, 255 ignored. [B, H, W]
 * @returns [B, ⌊H/factor⌋, ⌊W/factor⌋]
 */
export function downscaleLabels(
  labels: Uint8Array,
  { height: H, width: W }: LabelSize,
  { classes, factor, minimumShare }: DownscaleOptions,
): Uint8Array<ArrayBuffer> {
  const batch = labels.length / (H * W);
  const rows = Math.floor(H / factor);
  const columns = Math.floor(W / factor);
  const coarse = new Uint8Array(batch * rows * columns);
  const counts = new Uint32Array(IGNORED + 1);
  for (let cell = 0; cell < coarse.length; cell++) {
    const image = Math.floor(cell / (rows * columns));
    const top = Math.floor(cell / columns) % rows * factor;
    const left = cell % columns * factor;
    counts.fill(0);
    for (let y = top; y < top + factor; y++) {
      const first = (image * H + y) * W + left;
      for (const label of labels.subarray(first, first + factor)) {
        counts[label] = (counts[label] ?? 0) + 1;
      }
    }
    coarse[cell] = winner(counts, classes, minimumShare * factor ** 2);
  }
  return coarse;
}

function winner(counts: Uint32Array, classes: number, needed: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) {
    if ((counts[c] ?? 0) > (counts[best] ?? 0)) best = c;
  }
  const most = counts[best] ?? 0;
  return most < (counts[IGNORED] ?? 0) || most < needed ? IGNORED : best;
}

/**
 * Marks the cells of some classes.
 *
 * @param labels Any number of class ids.
 * @returns 1 for labels among `classes`, else 0.
 */
export function membership(
  labels: Uint8Array,
  classes: readonly number[],
): Float32Array<ArrayBuffer> {
  const wanted = new Set(classes);
  return Float32Array.from(labels, (label) => wanted.has(label) ? 1 : 0);
}
