// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

/** How segments of pixels are summed up: C, P, and tiles of so many pixels. */
export interface ClassSumSizes {
  readonly classes: number;
  readonly pixels: number;
  readonly tiles: number;
  readonly tilePixels: number;
}

/** Per tile Σ p_c over labeled pixels, and over pixels of label c. */
export function classSumsReference(
  { probabilities, labels, sums }: Arrays<"probabilities" | "labels" | "sums">,
  { classes: C, pixels, tiles, tilePixels }: ClassSumSizes,
): void {
  const totals = new Float64Array(2 * C);
  for (let tile = 0; tile < sums.length / (2 * C); tile++) {
    const segment = Math.floor(tile / tiles);
    const begin = tile % tiles * tilePixels;
    const end = Math.min(begin + tilePixels, pixels);
    totals.fill(0);
    for (let at = segment * pixels + begin; at < segment * pixels + end; at++) {
      const label = labels[at]!;
      if (label < 0 || label >= C) continue;
      for (let c = 0; c < C; c++) totals[c]! += probabilities[at * C + c]!;
      totals[C + label]! += probabilities[at * C + label]!;
    }
    sums.set(totals, 2 * C * tile);
  }
}

/** gradient[s, i, c] = dy[s, 0, c] + [c = label] · dy[s, 1, c], 0 where there is no label. */
export function classSumsGradientReference(
  { dy, labels, gradient }: Arrays<"dy" | "labels" | "gradient">,
  { classes: C, pixels }: Pick<ClassSumSizes, "classes" | "pixels">,
): void {
  for (let at = 0; at < labels.length; at++) {
    const label = labels[at]!;
    if (label < 0 || label >= C) {
      gradient.fill(0, at * C, at * C + C);
      continue;
    }
    const first = 2 * C * Math.floor(at / pixels);
    for (let c = 0; c < C; c++) gradient[at * C + c] = dy[first + c]!;
    gradient[at * C + label]! += dy[first + C + label]!;
  }
}

/** counts[s, c] = number of pixels of segment s with label c. */
export function classCountsReference(
  { labels, counts }: Arrays<"labels" | "counts">,
  { classes: C, pixels }: Pick<ClassSumSizes, "classes" | "pixels">,
): void {
  counts.fill(0);
  for (let at = 0; at < labels.length; at++) {
    const label = labels[at]!;
    if (label >= 0 && label < C) counts[C * Math.floor(at / pixels) + label]!++;
  }
}
