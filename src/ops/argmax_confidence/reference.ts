// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";
import {
  type BilinearSizes,
  columnTaps,
  lerpColumns,
  lerpRows,
  upsampledRows,
} from "../bilinear/bilinear.ts";
import { argmaxInRange, sumOfExponentials } from "../softmax_reference.ts";

/** labels = first class with the largest logit; confidence = its softmax probability. */
export function argmaxConfidenceReference(
  { logits, labels, confidence }: Arrays<"logits" | "labels" | "confidence">,
  { classes }: { readonly classes: number },
): void {
  let label = 0;
  for (let r = 0; r < labels.length; r++) {
    const first = r * classes;
    label = argmaxInRange(logits, first, classes, label);
    labels[r] = label;
    confidence[r] = 1 / sumOfExponentials(logits, first, classes, logits[first + label]!);
  }
}

/**
 * labels and confidence as above, of upsampled logits; confidentShare[0] = the share of
 * pixels whose confidence is at least the threshold.
 */
export function upsampledArgmaxReference(
  { logits, labels, confidence, confidentShare }: Arrays<
    "logits" | "labels" | "confidence" | "confidentShare"
  >,
  { threshold, ...sizes }: BilinearSizes & { readonly threshold: number },
): void {
  const { height, width, channels: C, outWidth } = sizes;
  const taps = columnTaps(sizes);
  const line = new Float64Array(width * C);
  const pixel = new Float64Array(C);
  // As the confidence, to which it is compared.
  const threshold32 = Math.fround(threshold);
  let confidentPixels = 0;
  let label = 0;
  let at = 0;
  for (const row of upsampledRows(sizes, logits.length / (height * width * C))) {
    lerpRows(logits, row, line);
    for (let col = 0; col < outWidth; col++, at++) {
      lerpColumns(line, taps, col, pixel);
      label = argmaxInRange(pixel, 0, C, label);
      labels[at] = label;
      confidence[at] = 1 / sumOfExponentials(pixel, 0, C, pixel[label]!);
      if (confidence[at]! >= threshold32) confidentPixels++;
    }
  }
  confidentShare[0] = confidentPixels / labels.length;
}
