/**
 * Rare class sampling: pictures are chosen for the sake of a class, and rare classes are
 * chosen more often.
 *
 * Source: Hoyer et al., "DAFormer" (CVPR 2022), https://arxiv.org/abs/2111.14887, section
 * 3.2.
 *
 * @module
 */

import type { ClassInfo } from "../core/host_batch.ts";
import type { ClassStatistics } from "./class_statistics.ts";

/** How strongly rare classes are preferred. */
export interface RareClassOptions {
  /** T: the smaller, the more the rarest classes dominate. */
  readonly temperature: number;
  /** A picture stands for a class if it has more pixels of it than this, at full size. */
  readonly minimumPixels: number;
  /** The share of `minimumPixels` that a crop has to exceed, else it is drawn anew. */
  readonly minimumCropShare: number;
}

/** Which class is chosen how often, and which pictures stand for it. */
export interface RareClassPlan {
  /** Class ids, rarest first. */
  readonly classes: readonly number[];
  /** P(c), in the order of `classes`; their sum is 1. */
  readonly probabilities: readonly number[];
  /** Indices of pictures, in the order of `classes`; none is empty. */
  readonly candidates: readonly ArrayLike<number>[];
  /** A crop has to hold more pixels of its class than this. */
  readonly cropPixels: number;
}

/**
 * The probability of each class.
 *
 * P(c) = softmax over the present classes of (1 − f_c) / T, f_c = n_c / Σ n
 *
 * @param pixelCounts n: pixels per class id over the whole data set; 0 = absent.
 * @param temperature T, above 0; Infinity makes all present classes equally likely.
 * @returns Present class ids by ascending n, and their probabilities.
 * @throws {RangeError} If the temperature is not above 0 or no class is present.
 */
export function rareClassProbabilities(
  pixelCounts: readonly number[],
  temperature: number,
): { classes: number[]; probabilities: number[] } {
  if (!(temperature > 0)) {
    throw new RangeError(
      `Cannot weigh classes: "temperature" must be above 0: received ${temperature}`,
    );
  }
  const classes = [...pixelCounts.keys()]
    .filter((id) => (pixelCounts[id] ?? 0) > 0)
    .sort((a, b) => (pixelCounts[a] ?? 0) - (pixelCounts[b] ?? 0));
  if (classes.length === 0) {
    throw new RangeError(
      "Cannot weigh classes: no label holds a class: are all pixels ignored?",
    );
  }
  const total = pixelCounts.reduce((sum, count) => sum + count, 0);
  // Relative to the rarest class, so that the exponentials cannot overflow.
  const rarest = (pixelCounts[classes[0] ?? 0] ?? 0) / total;
  const weights = classes.map((id) =>
    Math.exp((rarest - (pixelCounts[id] ?? 0) / total) / temperature)
  );
  const sum = weights.reduce((a, b) => a + b, 0);
  return { classes, probabilities: weights.map((weight) => weight / sum) };
}

/**
 * Plans rare class sampling for a data set.
 *
 * @throws {RangeError} If a class that is present has no picture to stand for it.
 */
export function planRareClasses(
  statistics: ClassStatistics,
  classes: readonly ClassInfo[],
  options: RareClassOptions,
): RareClassPlan {
  const { temperature, minimumPixels, minimumCropShare } = options;
  const weighed = rareClassProbabilities(statistics.totals, temperature);
  const candidates = weighed.classes.map((id) => {
    const { labels, classes: width, data } = statistics.counts;
    const good = new Uint32Array(labels);
    let [goods, most] = [0, 0];
    for (let i = 0; i < labels; i++) {
      const pixels = data[i * width + id] ?? 0;
      if (pixels > minimumPixels) good[goods++] = i;
      most = Math.max(most, pixels);
    }
    if (goods === 0) {
      throw new RangeError(
        `Cannot sample rare classes: no picture has more than "minimumPixels" = ` +
          `${minimumPixels} pixels of the class "${classes[id]?.name ?? id}" (the most ` +
          `is ${most}): set "rareClasses.minimumPixels" below ${most}`,
      );
    }
    return good.slice(0, goods);
  });
  return { ...weighed, candidates, cropPixels: minimumPixels * minimumCropShare };
}
