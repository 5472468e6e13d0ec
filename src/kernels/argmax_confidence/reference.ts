// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import { exponential } from "../exponential.ts";
import type { Cells } from "../kernel.ts";
import { largestFrom } from "../largest.ts";

/** labels = first class with the largest logit; confidence = its softmax probability. */
export function argmaxConfidenceReference(
  logits: Cells,
  [labels, confidence]: readonly [Cells, Cells],
  classes: number,
): void {
  let label = 0;
  for (let r = 0; r < labels.length; r++) {
    const first = r * classes;
    label = largestFrom(logits, first, classes, label);
    const largest = logits[first + label]!;
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += exponential(logits[first + c]! - largest);
    labels[r] = label;
    confidence[r] = 1 / sum;
  }
}
