// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import { type EnlargedSizes, mixRows, taps } from "../bilinear.ts";
import { exponential } from "../exponential.ts";
import type { Cells } from "../kernel.ts";
import { largestFrom } from "../largest.ts";

/**
 * labels = first class with the largest enlarged logit; confidence = its softmax
 * probability; share[0] = how many of the pixels are at least as sure as the threshold.
 */
export function upsampledBeliefReference(
  logits: Cells,
  [labels, confidence, share]: readonly [Cells, Cells, Cells],
  threshold: number,
  sizes: EnlargedSizes,
): void {
  const { height, width, classes: C, outHeight, outWidth } = sizes;
  const rows = taps(height, outHeight, sizes.alignCorners);
  const cols = taps(width, outWidth, sizes.alignCorners);
  const line = new Float64Array(width * C);
  const pixel = new Float64Array(C);
  const images = logits.length / (height * width * C);
  // As the confidence, to which it is compared.
  const least = Math.fround(threshold);
  let sure = 0;
  let label = 0;
  let at = 0;
  for (let b = 0; b < images; b++) {
    for (let row = 0; row < outHeight; row++) {
      const upper = (b * height + rows.low[row]!) * width * C;
      const lower = (b * height + rows.high[row]!) * width * C;
      mixRows(logits, upper, lower, rows.share[row]!, line);
      for (let col = 0; col < outWidth; col++, at++) {
        const left = cols.low[col]! * C;
        const right = cols.high[col]! * C;
        const fx = cols.share[col]!;
        for (let c = 0; c < C; c++) {
          pixel[c] = line[left + c]! + (line[right + c]! - line[left + c]!) * fx;
        }
        label = largestFrom(pixel, 0, C, label);
        const largest = pixel[label]!;
        let sum = 0;
        for (let c = 0; c < C; c++) sum += exponential(pixel[c]! - largest);
        labels[at] = label;
        confidence[at] = 1 / sum;
        if (confidence[at]! >= least) sure++;
      }
    }
  }
  share[0] = sure / labels.length;
}
