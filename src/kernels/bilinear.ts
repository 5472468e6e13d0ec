// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
/** Enlarging maps on the fly, in the plain twins of kernels; see bilinear.wgsl. @module */
import type { Cells } from "./kernel.ts";

/** Sizes of logits and of the labels that they are enlarged to. */
export interface EnlargedSizes {
  /** h */
  readonly height: number;
  /** w */
  readonly width: number;
  /** C */
  readonly classes: number;
  /** H */
  readonly outHeight: number;
  /** W */
  readonly outWidth: number;
  /** 1 for align corners, 0 for half-pixel centres. */
  readonly alignCorners: number;
}

/** For each output: the lower input, the upper input, and the weight of the upper. */
export interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly share: Float64Array;
}

/** What each of the outputs reads. */
export function taps(inputs: number, outputs: number, alignCorners: number): Taps {
  const low = new Int32Array(outputs);
  const high = new Int32Array(outputs);
  const share = new Float64Array(outputs);
  for (let t = 0; t < outputs; t++) {
    const source = alignCorners === 1
      ? (outputs === 1 ? 0 : t * (inputs - 1) / (outputs - 1))
      : Math.max((t + 0.5) * inputs / outputs - 0.5, 0);
    low[t] = Math.min(Math.floor(source), inputs - 1);
    high[t] = Math.min(low[t]! + 1, inputs - 1);
    share[t] = low[t] === inputs - 1 ? 0 : source - low[t]!;
  }
  return { low, high, share };
}

/** line = (1 − share) · upper row + share · lower row, of which each has `line.length`. */
export function mixRows(
  x: Cells,
  upper: number,
  lower: number,
  share: number,
  line: Float64Array,
): void {
  for (let i = 0; i < line.length; i++) {
    const above = x[upper + i]!;
    line[i] = above + (x[lower + i]! - above) * share;
  }
}
