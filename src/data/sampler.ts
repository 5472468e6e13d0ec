/**
 * Which images a batch is made of: a function of (seed, iteration, future) and of nothing
 * else, so that a resumed run goes on with the images it would have had.
 *
 * Rare class sampling chooses images for the sake of a class, and rare classes more often.
 * Source: Hoyer et al., "DAFormer" (CVPR 2022), https://arxiv.org/abs/2111.14887, section
 * 3.2.
 *
 * @module
 */

import type { ClassInfo } from "../core/host_batch.ts";
import { createRandom, type Random } from "../core/random.ts";
import type { ClassStatistics } from "./class_statistics.ts";
import type { RequiredClass } from "./pipelines.ts";

/** An image of a batch. */
export interface SampleDraw {
  /** Its index in the data set. */
  readonly index: number;
  /** The class for whose sake it was chosen; null without rare class sampling. */
  readonly requiredClass: RequiredClass | null;
}

/** The images of one batch. */
export interface BatchIndices {
  /** B draws from the source. */
  readonly source: readonly SampleDraw[];
  /** B draws from the target; null without one. */
  readonly target: readonly SampleDraw[] | null;
}

/** Gives the images of batch `future` of iteration `iteration`. */
export type Sampler = (iteration: number, future?: number) => BatchIndices;

/** What a sampler draws from. */
export interface SamplerOptions {
  readonly seed: number;
  /** B */
  readonly batchSize: number;
  /** The number of source images. */
  readonly sourceCount: number;
  /** The number of target images; null without a target. */
  readonly targetCount: number | null;
  /** Null draws every image once per epoch. */
  readonly rareClassSampling: RareClassSampling | null;
}

/** Shuffled epochs kept: enough to prefetch over the end of one, in both domains. */
const MAX_CACHED_EPOCHS = 16;

/**
 * Creates a sampler.
 *
 * Without rare class sampling, source and target are shuffled once per epoch each, and the
 * items of batch 0, 1, … are taken in that order; each future has an order of its own, so
 * the real batches (future 0) do not depend on how many futures there are. With rare class
 * sampling, each item draws a class by its probability, one of the class's images and any
 * target image, all independently.
 */
export function createSampler(options: SamplerOptions): Sampler {
  const { seed, batchSize, sourceCount, targetCount, rareClassSampling } = options;
  const orders = new Map<string, Uint32Array>();

  const indexInEpoch = (stream: string, count: number, position: number): number => {
    const epoch = Math.floor(position / count);
    const key = `${stream}/${epoch}`;
    let order = orders.get(key);
    if (order === undefined) {
      order = shuffle(count, createRandom(seed, stream, epoch));
      const [oldest] = orders.keys();
      if (orders.size >= MAX_CACHED_EPOCHS && oldest !== undefined) orders.delete(oldest);
      orders.set(key, order);
    }
    return order[position % count] ?? 0;
  };

  return (iteration, future = 0) => {
    const items = Array.from(
      { length: batchSize },
      (_, item) => iteration * batchSize + item,
    );
    if (rareClassSampling === null) {
      const draws = (domain: string, count: number) =>
        items.map((position): SampleDraw => ({
          index: indexInEpoch(`sampler/${domain}/${future}`, count, position),
          requiredClass: null,
        }));
      return {
        source: draws("source", sourceCount),
        target: targetCount === null ? null : draws("target", targetCount),
      };
    }
    const random = createRandom(seed, `sampler/rare/${future}`, iteration);
    const pairs = items.map(() => ({
      source: drawRareClass(rareClassSampling, random),
      target: { index: random.integer(targetCount ?? 1), requiredClass: null },
    }));
    return {
      source: pairs.map((pair) => pair.source),
      target: targetCount === null ? null : pairs.map((pair) => pair.target),
    };
  };
}

function drawRareClass(sampling: RareClassSampling, random: Random): SampleDraw {
  let remaining = random.uniform();
  let chosen = 0;
  // Rounding may leave the sum just below 1: what is left over goes to the last class.
  for (; chosen < sampling.classes.length - 1; chosen++) {
    remaining -= sampling.probabilities[chosen] ?? 0;
    if (remaining < 0) break;
  }
  const candidates = sampling.imageIndices[chosen] ?? [];
  return {
    index: candidates[random.integer(candidates.length)] ?? 0,
    requiredClass: {
      id: sampling.classes[chosen] ?? 0,
      minPixels: sampling.minCropPixels,
    },
  };
}

// Fisher and Yates.
function shuffle(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = random.integer(i + 1);
    const swapped = order[i] ?? 0;
    order[i] = order[other] ?? 0;
    order[other] = swapped;
  }
  return order;
}

/** How strongly rare classes are preferred. */
export interface RareClassOptions {
  /** T: the smaller, the more the rarest classes dominate. */
  readonly classTemperature: number;
  /** An image is drawn for a class if it has more pixels of it than this, at full size. */
  readonly minPixels: number;
  /** The share of `minPixels` that a crop has to exceed; else it is drawn again. */
  readonly minCropRatio: number;
}

/** How often each class is chosen, and from which images. */
export interface RareClassSampling {
  /** Class ids, rarest first. */
  readonly classes: readonly number[];
  /** P(c), in the order of `classes`; their sum is 1. */
  readonly probabilities: readonly number[];
  /** Indices of images, in the order of `classes`; none is empty. */
  readonly imageIndices: readonly ArrayLike<number>[];
  /** A crop has to hold more pixels of its class than this. */
  readonly minCropPixels: number;
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
      `Cannot compute class probabilities: "temperature" must be above 0: received ${temperature}`,
    );
  }
  const classes = [...pixelCounts.keys()]
    .filter((id) => (pixelCounts[id] ?? 0) > 0)
    .sort((a, b) => (pixelCounts[a] ?? 0) - (pixelCounts[b] ?? 0));
  if (classes.length === 0) {
    throw new RangeError(
      "Cannot compute class probabilities: no label holds a class: are all pixels ignored?",
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
 * @throws {RangeError} If a class has pixels, but no image with more than `minPixels` of them.
 */
export function planRareClassSampling(
  statistics: ClassStatistics,
  classes: readonly ClassInfo[],
  options: RareClassOptions,
): RareClassSampling {
  const { classTemperature, minPixels, minCropRatio } = options;
  const distribution = rareClassProbabilities(statistics.totals, classTemperature);
  const imageIndices = distribution.classes.map((id) => {
    const { labelCount, classCount, data } = statistics.counts;
    const indices = new Uint32Array(labelCount);
    let [count, maxPixels] = [0, 0];
    for (let i = 0; i < labelCount; i++) {
      const pixels = data[i * classCount + id] ?? 0;
      if (pixels > minPixels) indices[count++] = i;
      maxPixels = Math.max(maxPixels, pixels);
    }
    if (count === 0) {
      throw new RangeError(
        `Cannot sample rare classes: no image has more than "minPixels" = ` +
          `${minPixels} pixels of the class "${classes[id]?.name ?? id}" (the most ` +
          `is ${maxPixels}): set "rareClassSampling.minPixels" below ${maxPixels}`,
      );
    }
    return indices.slice(0, count);
  });
  return {
    ...distribution,
    imageIndices,
    minCropPixels: minPixels * minCropRatio,
  };
}
