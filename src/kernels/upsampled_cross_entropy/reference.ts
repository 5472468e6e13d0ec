// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import { type EnlargedSizes, mixRows, taps } from "../bilinear.ts";
import { exponential } from "../exponential.ts";
import type { Cells } from "../kernel.ts";
import { largestFrom } from "../largest.ts";

/**
 * sum[0] = Σ w · (log Σ_c exp(z_c) − z_label) over the pixels of enlarged logits z, and, if
 * asked for, slopes = its gradient by the logits.
 *
 * Both in one pass over the pixels: of the enlarged logits only one row exists, and of the
 * softmax one pixel.
 *
 * @param weights Per pixel, or null for 1.
 * @param slopes Like the logits, or null.
 */
export function upsampledCrossEntropyReference(
  logits: Cells,
  labels: Cells,
  weights: Cells | null,
  sum: Cells,
  slopes: Cells | null,
  sizes: EnlargedSizes,
): void {
  const { height, width, classes: C, outHeight, outWidth } = sizes;
  const rows = taps(height, outHeight, sizes.alignCorners);
  const cols = taps(width, outWidth, sizes.alignCorners);
  const line = new Float64Array(width * C);
  const side = new Float64Array(width * C);
  const pixel = new Float64Array(C);
  const images = logits.length / (height * width * C);
  slopes?.fill(0);
  let total = 0;
  let place = 0;
  let at = 0;
  for (let b = 0; b < images; b++) {
    for (let row = 0; row < outHeight; row++) {
      const upper = (b * height + rows.low[row]!) * width * C;
      const lower = (b * height + rows.high[row]!) * width * C;
      const fy = rows.share[row]!;
      mixRows(logits, upper, lower, fy, line);
      side.fill(0);
      for (let col = 0; col < outWidth; col++, at++) {
        const label = labels[at]!;
        const weight = weights === null ? 1 : weights[at]!;
        if (label < 0 || label >= C || weight === 0) continue;
        const left = cols.low[col]! * C;
        const right = cols.high[col]! * C;
        const fx = cols.share[col]!;
        for (let c = 0; c < C; c++) {
          pixel[c] = line[left + c]! + (line[right + c]! - line[left + c]!) * fx;
        }
        // A NaN may be passed over here, since the sum below still meets it.
        place = largestFrom(pixel, 0, C, place);
        const largest = pixel[place]!;
        const own = pixel[label]!;
        let partition = 0;
        for (let c = 0; c < C; c++) {
          const e = exponential(pixel[c]! - largest);
          pixel[c] = e;
          partition += e;
        }
        total += weight * (largest - own + Math.log(partition));
        if (slopes === null) continue;
        const factor = weight / partition;
        const toRight = factor * fx;
        const toLeft = factor - toRight;
        for (let c = 0; c < C; c++) {
          side[left + c]! += pixel[c]! * toLeft;
          side[right + c]! += pixel[c]! * toRight;
        }
        side[left + label]! -= weight * (1 - fx);
        side[right + label]! -= weight * fx;
      }
      if (slopes === null) continue;
      for (let i = 0; i < side.length; i++) {
        slopes[upper + i]! += side[i]! * (1 - fy);
        slopes[lower + i]! += side[i]! * fy;
      }
    }
  }
  sum[0] = total;
}
