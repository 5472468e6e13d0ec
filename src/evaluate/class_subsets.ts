/** Means over some of the classes, as results from SYNTHIA are published. @module */
import { didYouMean } from "../config/did_you_mean.ts";
import type { RunConfig } from "../config/schema.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import {
  CITYSCAPES_CLASSES,
  SYNTHIA_13_CLASS_IDS,
  SYNTHIA_16_CLASS_IDS,
} from "../data/native_classes.ts";
import { nanMean } from "../objectives/segmentation_metrics.ts";
import type { EvaluationResult } from "./evaluate.ts";

/** Some of the classes. */
export interface ClassSubset {
  /** As it was asked for. */
  readonly name: string;
  /** Their names, in the order of their ids. */
  readonly classes: readonly string[];
}

/**
 * Means over some of the classes, in 0 … 1; null where none of them occurs.
 *
 * Every class stays in the counts: what is taken for a class outside of the subset is
 * still wrong.
 */
export interface SubsetMetrics extends ClassSubset {
  /** Mean intersection over union. */
  readonly mIoU: number | null;
  /** Mean share of a class's pixels that are found. */
  readonly meanAccuracy: number | null;
}

const cityscapesNames = (ids: readonly number[]) =>
  ids.flatMap((id) => CITYSCAPES_CLASSES[id]?.name ?? []);

/** Subsets that have a name: 16 classes for what SYNTHIA knows, 13 without the coarse. */
const NAMED_SUBSETS: Readonly<Record<string, readonly string[]>> = {
  "synthia-16": cityscapesNames(SYNTHIA_16_CLASS_IDS),
  "synthia-13": cityscapesNames(SYNTHIA_13_CLASS_IDS),
};

const ALIASES: Readonly<Record<string, string>> = {
  "16": "synthia-16",
  "13": "synthia-13",
};

/**
 * Finds a subset by its name, or by the names of its classes.
 *
 * @param text "synthia-16", "16", "synthia-13", "13", or classes with commas between them.
 * @param classes What the network tells apart.
 * @throws {RangeError} If a class is unknown.
 */
export function findSubset(
  text: string,
  classes: readonly Pick<ClassInfo, "name">[],
): ClassSubset {
  const known = classes.map(({ name }) => name);
  const names = text.split(",").map((word) => word.trim());
  const isList = names.every((word) => known.includes(word));
  const name = isList ? text : ALIASES[text] ?? text;
  const wanted = (isList ? undefined : NAMED_SUBSETS[name]) ?? names;
  const unknown = wanted.find((word) => !known.includes(word));
  if (unknown === undefined) {
    return { name, classes: known.filter((one) => wanted.includes(one)) };
  }
  const hint = didYouMean(unknown, [...known, ...Object.keys(NAMED_SUBSETS)]);
  throw new RangeError(
    `Cannot take the mean over "${text}": the network knows no class "${unknown}"` +
      (hint || `; its classes are ${known.join(", ")}`),
  );
}

/** The subsets that results of a run are published for without asking: SYNTHIA's. */
export function publishedSubsets(
  { data }: Pick<RunConfig, "data">,
  classes: readonly Pick<ClassInfo, "name">[],
): ClassSubset[] {
  if (data.kind !== "native" || data.source.set !== "synthia") return [];
  return Object.keys(NAMED_SUBSETS).map((name) => findSubset(name, classes));
}

/** Takes the means over a subset. */
export function subsetMetrics(
  { name, classes }: ClassSubset,
  classResults: EvaluationResult["classes"],
): SubsetMetrics {
  const wanted = classResults.filter((one) => classes.includes(one.name));
  const mean = (values: readonly (number | null)[]) => {
    const result = nanMean(values.map((value) => value ?? NaN));
    return Number.isNaN(result) ? null : result;
  };
  return {
    name,
    classes,
    mIoU: mean(wanted.map(({ iou }) => iou)),
    meanAccuracy: mean(wanted.map(({ accuracy }) => accuracy)),
  };
}
