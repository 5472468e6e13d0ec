// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";

/** Entries of a sample's table of chosen classes: one per possible label. */
export const LABEL_VALUES = 256;

/** mask[b, p] = chosen[b, labels[b, p]]. */
export function classMaskReference(
  [labels, chosen]: readonly [Cells, Cells],
  mask: Cells,
  pixels: number,
): void {
  for (let i = 0; i < mask.length; i++) {
    mask[i] = chosen[Math.floor(i / pixels) * LABEL_VALUES + labels[i]!]!;
  }
}

/** y = source where the mask is not 0, else target; three channels. */
export function mixImagesReference(
  [mask, source, target]: readonly [Cells, Cells, Cells],
  y: Cells,
): void {
  for (let i = 0; i < mask.length; i++) {
    const from = mask[i]! !== 0 ? source : target;
    for (let c = 3 * i; c < 3 * i + 3; c++) y[c] = from[c]!;
  }
}

/** The source's label and 1 where the mask is not 0, else the target's label and weight. */
export function mixLabelsReference(
  [mask, source, target, targetWeights]: readonly [Cells, Cells, Cells, Cells],
  [labels, weights]: readonly [Cells, Cells],
): void {
  for (let i = 0; i < mask.length; i++) {
    const pasted = mask[i]! !== 0;
    labels[i] = pasted ? source[i]! : target[i]!;
    weights[i] = pasted ? 1 : targetWeights[i]!;
  }
}
