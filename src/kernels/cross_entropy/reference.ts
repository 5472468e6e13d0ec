// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import { exponential } from "../exponential.ts";
import type { Cells } from "../kernel.ts";
import { largestFrom } from "../largest.ts";

/** out[r] = log Σ_c exp(z[r, c]) − z[r, label], 0 where the label is no class. */
export function crossEntropyReference(
  logits: Cells,
  labels: Cells,
  out: Cells,
  classes: number,
): void {
  let place = 0;
  for (let r = 0; r < labels.length; r++) {
    const label = labels[r]!;
    if (label < 0 || label >= classes) {
      out[r] = 0;
      continue;
    }
    const first = r * classes;
    // A NaN may be passed over here, since the sum below still meets it.
    place = largestFrom(logits, first, classes, place);
    const largest = logits[first + place]!;
    let sum = 0;
    for (let i = first; i < first + classes; i++) {
      sum += exponential(logits[i]! - largest);
    }
    out[r] = largest + Math.log(sum) - logits[first + label]!;
  }
}

/** out[r, c] = dy[r] · (softmax(z[r])[c] − [c = label]), 0 where the label is no class. */
export function crossEntropyGradientReference(
  [logits, labels, dy]: readonly [Cells, Cells, Cells],
  out: Cells,
  classes: number,
): void {
  let place = 0;
  for (let r = 0; r < labels.length; r++) {
    const first = r * classes;
    const label = labels[r]!;
    if (label < 0 || label >= classes || dy[r] === 0) {
      out.fill(0, first, first + classes);
      continue;
    }
    // A NaN may be passed over here, since the sum below still meets it.
    place = largestFrom(logits, first, classes, place);
    const largest = logits[first + place]!;
    let sum = 0;
    for (let i = first; i < first + classes; i++) {
      const e = exponential(logits[i]! - largest);
      out[i] = e;
      sum += e;
    }
    const factor = dy[r]! / sum;
    for (let i = first; i < first + classes; i++) out[i]! *= factor;
    out[first + label]! -= dy[r]!;
  }
}
