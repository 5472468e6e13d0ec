// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";

/** out[r] = log Σ_c exp(z[r, c]) − z[r, label], 0 where the label is no class. */
export function crossEntropyReference(
  logits: Cells,
  labels: Cells,
  out: Cells,
  classes: number,
): void {
  for (let r = 0; r < labels.length; r++) {
    const label = labels[r]!;
    if (label < 0 || label >= classes) {
      out[r] = 0;
      continue;
    }
    const { largest, sum } = partition(logits, r * classes, classes);
    out[r] = largest + Math.log(sum) - logits[r * classes + label]!;
  }
}

/** out[r, c] = dy[r] · (softmax(z[r])[c] − [c = label]), 0 where the label is no class. */
export function crossEntropyGradientReference(
  [logits, labels, dy]: readonly [Cells, Cells, Cells],
  out: Cells,
  classes: number,
): void {
  for (let r = 0; r < labels.length; r++) {
    const first = r * classes;
    const label = labels[r]!;
    if (label < 0 || label >= classes || dy[r] === 0) {
      out.fill(0, first, first + classes);
      continue;
    }
    const { largest, sum } = partition(logits, first, classes);
    const factor = dy[r]! / sum;
    for (let c = 0; c < classes; c++) {
      out[first + c] = factor * Math.exp(logits[first + c]! - largest);
    }
    out[first + label]! -= dy[r]!;
  }
}

function partition(logits: Cells, first: number, classes: number) {
  let largest = -Infinity;
  for (let c = 0; c < classes; c++) largest = Math.max(largest, logits[first + c]!);
  let sum = 0;
  for (let c = 0; c < classes; c++) sum += Math.exp(logits[first + c]! - largest);
  return { largest, sum };
}
