// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays, TypedArray } from "../../gpu/kernel.ts";
import {
  type BilinearSizes,
  columnTaps,
  lerpColumns,
  lerpRows,
  upsampledRows,
} from "../bilinear/bilinear.ts";
import {
  argmaxInRange,
  expNonPositive,
  sumOfExponentials,
} from "../softmax_reference.ts";

/** loss[r] = log Σ_c exp(z[r, c]) − z[r, label], 0 where the label is no class. */
export function crossEntropyReference(
  { logits, labels, loss }: Arrays<"logits" | "labels" | "loss">,
  { classes }: { readonly classes: number },
): void {
  let place = 0;
  for (let r = 0; r < labels.length; r++) {
    const label = labels[r]!;
    if (label < 0 || label >= classes) {
      loss[r] = 0;
      continue;
    }
    const first = r * classes;
    // A NaN may be passed over here, since the sum below still meets it.
    place = argmaxInRange(logits, first, classes, place);
    const largest = logits[first + place]!;
    const sum = sumOfExponentials(logits, first, classes, largest);
    loss[r] = largest + Math.log(sum) - logits[first + label]!;
  }
}

/** gradient[r, c] = dy[r] · (softmax(z[r])[c] − [c = label]), 0 where the label is no class. */
export function crossEntropyGradientReference(
  { logits, labels, dy, gradient }: Arrays<"logits" | "labels" | "dy" | "gradient">,
  { classes }: { readonly classes: number },
): void {
  let place = 0;
  for (let r = 0; r < labels.length; r++) {
    const first = r * classes;
    const label = labels[r]!;
    if (label < 0 || label >= classes || dy[r] === 0) {
      gradient.fill(0, first, first + classes);
      continue;
    }
    // A NaN may be passed over here, since the sum below still meets it.
    place = argmaxInRange(logits, first, classes, place);
    const largest = logits[first + place]!;
    let sum = 0;
    for (let i = first; i < first + classes; i++) {
      const e = expNonPositive(logits[i]! - largest);
      gradient[i] = e;
      sum += e;
    }
    const factor = dy[r]! / sum;
    for (let i = first; i < first + classes; i++) gradient[i]! *= factor;
    gradient[first + label]! -= dy[r]!;
  }
}

/**
 * sum[0] = Σ w · (log Σ_c exp(z_c) − z_label) over the pixels of upsampled logits z, and
 * gradient = its gradient by the logits, or null if it is not wanted.
 *
 * Both in one pass over the pixels: of the upsampled logits only one row exists, and of the
 * softmax one pixel.
 */
export function upsampledCrossEntropyReference(
  { logits, labels, weights, sum, gradient }: {
    readonly gradient: TypedArray | null;
  } & Arrays<"logits" | "labels" | "weights" | "sum">,
  { weighted, ...sizes }: BilinearSizes & { readonly weighted: number },
): void {
  const { height, width, channels: C, outWidth } = sizes;
  const taps = columnTaps(sizes);
  const line = new Float64Array(width * C);
  const gradientLine = new Float64Array(width * C);
  const pixel = new Float64Array(C);
  gradient?.fill(0);
  let total = 0;
  let place = 0;
  let at = 0;
  for (const row of upsampledRows(sizes, logits.length / (height * width * C))) {
    lerpRows(logits, row, line);
    gradientLine.fill(0);
    for (let col = 0; col < outWidth; col++, at++) {
      const label = labels[at]!;
      const weight = weighted === 0 ? 1 : weights[at]!;
      if (label < 0 || label >= C || weight === 0) continue;
      lerpColumns(line, taps, col, pixel);
      // A NaN may be passed over here, since the sum below still meets it.
      place = argmaxInRange(pixel, 0, C, place);
      const largest = pixel[place]!;
      const labelLogit = pixel[label]!;
      let partition = 0;
      for (let c = 0; c < C; c++) {
        const e = expNonPositive(pixel[c]! - largest);
        pixel[c] = e;
        partition += e;
      }
      total += weight * (largest - labelLogit + Math.log(partition));
      if (gradient === null) continue;
      const [left, right, fx] = [
        taps.low[col]! * C,
        taps.high[col]! * C,
        taps.weight[col]!,
      ];
      const factor = weight / partition;
      const toRight = factor * fx;
      const toLeft = factor - toRight;
      for (let c = 0; c < C; c++) {
        gradientLine[left + c]! += pixel[c]! * toLeft;
        gradientLine[right + c]! += pixel[c]! * toRight;
      }
      gradientLine[left + label]! -= weight * (1 - fx);
      gradientLine[right + label]! -= weight * fx;
    }
    if (gradient === null) continue;
    const { upper, lower, weight: fy } = row;
    for (let i = 0; i < gradientLine.length; i++) {
      gradient[upper + i]! += gradientLine[i]! * (1 - fy);
      gradient[lower + i]! += gradientLine[i]! * fy;
    }
  }
  sum[0] = total;
}
