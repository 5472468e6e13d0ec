/** Weights of classes that follow from the counts of their pixels. @module */
import type { ClassStatistics } from "./class_statistics.ts";
import { labelCounts } from "./class_counts.ts";

/**
 * How a weight follows from n, the labeled pixels of a class in all images.
 *
 *   inverse-frequency   w = N / (K · n); N: all labeled pixels, K: classes with a pixel.
 *                       The mean weight of a pixel is 1; "balanced" in scikit-learn
 *   median-frequency    w = median of f over the classes / f; f = n / labeled pixels of the
 *                       images that have the class. Eigen & Fergus (ICCV 2015), SegNet
 *   effective-number    w ∝ (1 − β) / (1 − βⁿ), with mean 1 over the classes with a pixel.
 *                       Cui et al. (CVPR 2019), n counting pixels
 */
export type ClassWeightRule =
  | "inverse-frequency"
  | "median-frequency"
  | "effective-number";

/**
 * The weight of every class; 0 for those without a pixel, which nothing can be learned of.
 *
 * @param beta β of "effective-number", 0 … 1.
 */
export function classWeights(
  rule: ClassWeightRule,
  { counts, totals }: ClassStatistics,
  beta: number,
): number[] {
  const present = totals.flatMap((n, id) => n > 0 ? [id] : []);
  const weightsOf = (weightOf: (n: number, id: number) => number) =>
    totals.map((n, id) => n > 0 ? weightOf(n, id) : 0);
  switch (rule) {
    case "inverse-frequency": {
      const all = totals.reduce((sum, n) => sum + n, 0);
      return weightsOf((n) => all / (present.length * n));
    }
    case "median-frequency": {
      const pixelsAround = new Array<number>(totals.length).fill(0);
      for (let label = 0; label < counts.labelCount; label++) {
        const ofLabel = labelCounts(counts, label);
        const labeled = ofLabel.reduce((sum, n) => sum + n, 0);
        ofLabel.forEach((n, id) => {
          if (n > 0) pixelsAround[id] = (pixelsAround[id] ?? 0) + labeled;
        });
      }
      const frequency = (id: number) => (totals[id] ?? 0) / (pixelsAround[id] ?? 1);
      const middle = median(present.map(frequency));
      return weightsOf((_, id) => middle / frequency(id));
    }
    case "effective-number": {
      // 1 / E, E = (1 − βⁿ) / (1 − β); n where β is so near to 1 that they are the same.
      const inverse = (n: number) => (1 - beta) / -Math.expm1(n * Math.log(beta));
      const mean = present.reduce((sum, id) => sum + inverse(totals[id] ?? 0), 0) /
        present.length;
      return weightsOf((n) => inverse(n) / mean);
    }
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [(sorted.length - 1) >> 1, sorted.length >> 1];
  return ((sorted[low] ?? NaN) + (sorted[high] ?? NaN)) / 2;
}
