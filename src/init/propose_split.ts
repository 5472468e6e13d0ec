/** Which labeled images are trained on and which are kept for evaluation. @module */

import { createRandom } from "../core/random.ts";

/** An image with the classes that its label has. */
export interface ImageClasses {
  readonly name: string;
  /** Class ids; empty where the label was not read. */
  readonly classes: ReadonlySet<number>;
}

/** A proposal. */
export interface ProposedSplit {
  /** Sorted. */
  readonly training: readonly string[];
  /** Sorted. */
  readonly evaluation: readonly string[];
  /** Classes that occur in a single image, so that one of the two has none of it. */
  readonly onlyOnce: readonly number[];
  /** Classes that occur in two images and more, and all the same in one part only. */
  readonly oneSided: readonly number[];
}

/** How images are divided. */
export interface SplitOptions {
  readonly seed: number;
  /** The share that is kept for evaluation. */
  readonly share: number;
  /** Whether images that follow each other stay together, as frames of a video. */
  readonly inBlocks: boolean;
}

/**
 * Divides images, so that classes of two images and more are in both parts.
 *
 * At random, rare classes come first: an image goes where its rarest class is short of the
 * share that it should have. Source: Sechidis et al., "On the Stratification of Multi-Label
 * Data" (ECML PKDD 2011). In blocks, the last images of every sequence are evaluated on.
 *
 * @param images At least two.
 * @throws {RangeError} If there are fewer.
 */
export function proposeSplit(
  images: readonly ImageClasses[],
  { seed, share, inBlocks }: SplitOptions,
): ProposedSplit {
  if (images.length < 2) {
    throw new RangeError(
      `Cannot divide ${images.length} labeled image into one part to train on and one to ` +
        "evaluate on: label two at least",
    );
  }
  const sorted = [...images].sort((a, b) => a.name < b.name ? -1 : 1);
  const chosen = inBlocks
    ? lastOfSequences(sorted, share)
    : stratified(sorted, share, seed);
  const part = (isChosen: boolean) =>
    sorted.filter(({ name }) => chosen.has(name) === isChosen);
  const [training, evaluation] = [part(false), part(true)];
  const countIn = (some: readonly ImageClasses[], id: number) =>
    some.filter(({ classes }) => classes.has(id)).length;
  const ids = [...new Set(images.flatMap(({ classes }) => [...classes]))]
    .sort((a, b) => a - b);
  return {
    training: training.map(({ name }) => name),
    evaluation: evaluation.map(({ name }) => name),
    onlyOnce: ids.filter((id) => countIn(sorted, id) === 1),
    oneSided: ids.filter((id) =>
      countIn(sorted, id) > 1 &&
      (countIn(training, id) === 0 || countIn(evaluation, id) === 0)
    ),
  };
}

const evaluationCount = (images: number, share: number): number =>
  Math.min(images - 1, Math.max(1, Math.round(share * images)));

function stratified(
  images: readonly ImageClasses[],
  share: number,
  seed: number,
): Set<string> {
  const random = createRandom(seed, "split");
  const shuffled = random.sample(images.length, images.length)
    .flatMap((index) => images[index] ?? []);
  const wanted = evaluationCount(images.length, share);
  const counts = new Map<number, number>();
  for (const { classes } of images) {
    for (const id of classes) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const rarestFirst = [...counts].sort(([a, m], [b, n]) => m - n || a - b);
  const chosen = new Set<string>();
  const placed = new Set<string>();
  const chosenOf = new Map<number, number>();
  const choose = ({ name, classes }: ImageClasses) => {
    chosen.add(name);
    for (const id of classes) chosenOf.set(id, (chosenOf.get(id) ?? 0) + 1);
  };
  for (const [id, count] of rarestFirst) {
    // A class of two images is in both parts.
    const due = count === 1 ? 0 : Math.max(1, Math.round(share * count));
    for (const image of shuffled) {
      if (!image.classes.has(id) || placed.has(image.name)) continue;
      if (chosen.size < wanted && (chosenOf.get(id) ?? 0) < due) choose(image);
      placed.add(image.name);
    }
  }
  for (const image of shuffled) {
    if (chosen.size >= wanted) break;
    if (!placed.has(image.name)) choose(image);
  }
  // Where every image was spoken for, the share is filled up from those of common classes.
  for (const image of shuffled.toReversed()) {
    if (chosen.size >= wanted) break;
    const isNeeded = [...image.classes].some((id) =>
      (counts.get(id) ?? 0) - (chosenOf.get(id) ?? 0) <= 1
    );
    if (!chosen.has(image.name) && !isNeeded) choose(image);
  }
  const [last] = shuffled.toReversed();
  if (chosen.size === 0 && last !== undefined) chosen.add(last.name);
  return chosen;
}

/** The part of a name that frames of a video share: all before the last number. */
export const sequenceOf = (name: string): string => name.replace(/\d+(?!.*\d).*$/, "");

function lastOfSequences(images: readonly ImageClasses[], share: number): Set<string> {
  const sequences = new Map<string, string[]>();
  for (const { name } of images) {
    const sequence = sequences.get(sequenceOf(name)) ?? [];
    sequence.push(name);
    sequences.set(sequenceOf(name), sequence);
  }
  const long = [...sequences.values()].filter(({ length }) => length * share >= 0.5);
  const chosen = new Set(
    long.flatMap((names) => byNumber(names).slice(-evaluationCount(names.length, share))),
  );
  const [last] = images.slice(-1);
  if (chosen.size === 0 && last !== undefined) chosen.add(last.name);
  return chosen;
}

/** Names in the order of their last numbers: frame2 before frame10. */
export function byNumber(names: readonly string[]): string[] {
  const numberOf = (name: string) => Number(/(\d+)\D*$/.exec(name)?.[1] ?? 0);
  return [...names].sort((a, b) => numberOf(a) - numberOf(b) || (a < b ? -1 : 1));
}
