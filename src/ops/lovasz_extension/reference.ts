// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";
import { type Pairs, radixSort } from "../radix_sort/reference.ts";

/** The bits of 1. */
const ONE_BITS = 0x3f800000;

/**
 * losses[s, c] = the Lovász extension of the Jaccard loss of class c at the errors of its
 * labeled pixels, and its gradient by their probabilities.
 *
 * Classes without a pixel are left out where `onlyPresent` is 1: both are 0.
 */
export function lovaszExtensionReference(
  { probabilities, labels, losses, gradient }: Arrays<
    "probabilities" | "labels" | "losses" | "gradient"
  >,
  { pixels, classes: C, onlyPresent }: Readonly<
    Record<"pixels" | "classes" | "onlyPresent", number>
  >,
): void {
  gradient.fill(0);
  losses.fill(0);
  const pairs = (): Pairs => ({
    keys: new Int32Array(pixels),
    items: new Int32Array(pixels),
  });
  const [unsorted, sorted] = [pairs(), pairs()];
  const error = new Float32Array(1);
  const bits = new Int32Array(error.buffer);
  const counts = new Int32Array(C);
  for (let first = 0; first < labels.length; first += pixels) {
    const segment = labels.subarray(first, first + pixels);
    counts.fill(0);
    for (const label of segment) if (label >= 0 && label < C) counts[label]!++;
    for (let c = 0; c < C; c++) {
      const foreground = counts[c]!;
      if (foreground === 0 && onlyPresent === 1) continue;
      let count = 0;
      let hasNaN = false;
      for (let i = 0; i < pixels; i++) {
        const label = segment[i]!;
        if (label < 0 || label >= C) continue;
        const isOwn = label === c ? 1 : 0;
        error[0] = Math.abs(isOwn - probabilities[(first + i) * C + c]!);
        hasNaN ||= Number.isNaN(error[0]);
        // A probability may be above 1 by rounding.
        unsorted.keys[count] = ONE_BITS - Math.min(bits[0]!, ONE_BITS);
        unsorted.items[count++] = 2 * i + isOwn;
      }
      radixSort(unsorted, sorted, count);
      let before = 0;
      let sum = 0;
      for (let k = 0; k < count; k++) {
        const item = sorted.items[k]!;
        const isOwn = (item & 1) === 1;
        const union = foreground + k - before;
        const increment = foreground === 0
          ? (k === 0 ? 1 : 0)
          : isOwn
          ? 1 / union
          : (foreground - before) / union / (union + 1);
        bits[0] = ONE_BITS - sorted.keys[k]!;
        sum += increment * error[0]!;
        if (isOwn) before++;
        gradient[(first + (item >> 1)) * C + c] = isOwn ? -increment : increment;
      }
      losses[first / pixels * C + c] = hasNaN ? Infinity : sum;
    }
  }
}
