// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";

/** labels = first class with the largest logit; confidence = its softmax probability. */
export function argmaxConfidenceReference(
  logits: Cells,
  [labels, confidence]: readonly [Cells, Cells],
  classes: number,
): void {
  for (let r = 0; r < labels.length; r++) {
    const first = r * classes;
    let label = 0;
    for (let c = 1; c < classes; c++) {
      if (logits[first + c]! > logits[first + label]!) label = c;
    }
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      sum += Math.exp(logits[first + c]! - logits[first + label]!);
    }
    labels[r] = label;
    confidence[r] = 1 / sum;
  }
}
