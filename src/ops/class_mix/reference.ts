// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

/** Entries of a sample's table of chosen classes: one per possible label. */
export const LABEL_VALUES = 256;

/** mask[b, p] = chosen[b, labels[b, p]]. */
export function classMaskReference(
  { labels, chosen, mask }: Arrays<"labels" | "chosen" | "mask">,
  { pixels }: { readonly pixels: number },
): void {
  for (let i = 0; i < mask.length; i++) {
    mask[i] = chosen[Math.floor(i / pixels) * LABEL_VALUES + labels[i]!]!;
  }
}

/** images = source where the mask is not 0, else the other. */
export function pasteImagesReference(
  { mask, source, other, images }: Arrays<"mask" | "source" | "other" | "images">,
  { channels }: { readonly channels: number },
): void {
  for (let i = 0; i < mask.length; i++) {
    const from = mask[i]! !== 0 ? source : other;
    const first = channels * i;
    for (let c = first; c < first + channels; c++) images[c] = from[c]!;
  }
}

/** The source's label and 1 where the mask is not 0, else the other's label and weight. */
export function pasteLabelsReference(
  { mask, source, other, otherWeights, labels, pixelWeights }: Arrays<
    "mask" | "source" | "other" | "otherWeights" | "labels" | "pixelWeights"
  >,
): void {
  for (let i = 0; i < mask.length; i++) {
    const pasted = mask[i]! !== 0;
    labels[i] = pasted ? source[i]! : other[i]!;
    pixelWeights[i] = pasted ? 1 : otherWeights[i]!;
  }
}
