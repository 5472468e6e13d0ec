/** The loss of labeled pixels. @module */

import * as z from "../core/zod.ts";
import { didYouMean } from "./did_you_mean.ts";
import { fractionBelowOne, nonNegative } from "./ranges.ts";

/** How weights of classes follow from the counts of their pixels. */
export type CountedClassWeights =
  | "inverse-frequency"
  | "median-frequency"
  | "effective-number";

/** The weight of every class. */
export type ClassWeightsConfig =
  | CountedClassWeights
  | readonly number[]
  | Readonly<Record<string, number>>
  | null;

/** What every term has. */
export interface LossTermConfig {
  /** Its factor in the sum of terms. */
  readonly weight: number;
}

/** A mean over pixels. */
export interface PixelMeanConfig extends LossTermConfig {
  /**
   * Weights of classes: a list of one per class, or a mapping by name (others have 1); or
   * from the counts of labeled pixels, "inverse-frequency", "median-frequency" or
   * "effective-number". Null: all 1.
   */
  readonly classWeights: ClassWeightsConfig;
  /** β of the class weights "effective-number". */
  readonly beta: number;
  /**
   * What the sum is divided by: all pixels, ignored ones too, as in mmsegmentation; or the
   * labeled ones, as in PyTorch (cross entropy: by the sum of their class weights). Null: as
   * published, "all" for domain adaptation and "valid" for semi-supervised learning.
   */
  readonly average: "all" | "valid" | null;
}

/** Cross entropy over labeled pixels. */
export interface CrossEntropyConfig extends PixelMeanConfig {
  /** Which loss it is. */
  readonly name: "cross-entropy";
  /** ε: the share of a label that is spread evenly over all classes, as in PyTorch. */
  readonly labelSmoothing: number;
}

/** Cross entropy in which probable pixels count less. Lin et al., ICCV 2017. */
export interface FocalConfig extends PixelMeanConfig {
  /** Which loss it is. */
  readonly name: "focal";
  /** γ of the factor (1 − p)^γ, p being the probability of the true class. */
  readonly gamma: number;
}

/** Cross entropy over the hardest pixels (online hard example mining). */
export interface OhemConfig extends LossTermConfig {
  /** Which loss it is. */
  readonly name: "ohem";
  /** Pixels whose true class is at most this probable are always kept. */
  readonly threshold: number;
  /** At least so many pixels of a batch are kept. */
  readonly minKept: number;
}

/** A loss of regions. */
export interface RegionLossConfig extends LossTermConfig {
  /** Over the pixels of the whole batch, or of each image, and then their mean. */
  readonly per: "batch" | "image";
}

/** Soft Dice loss over the classes that are there, as in segmentation_models.pytorch. */
export interface DiceConfig extends RegionLossConfig {
  /** Which loss it is. */
  readonly name: "dice";
  /** Is added to numerator and denominator. */
  readonly smooth: number;
}

/** A convex extension of 1 − IoU. Berman et al., CVPR 2018. */
export interface LovaszSoftmaxConfig extends RegionLossConfig {
  /** Which loss it is. */
  readonly name: "lovasz-softmax";
  /** It is the mean over classes with a labeled pixel, or over all. */
  readonly classes: "present" | "all";
}

/** One loss. */
export type CriterionTermConfig =
  | CrossEntropyConfig
  | FocalConfig
  | OhemConfig
  | DiceConfig
  | LovaszSoftmaxConfig;

/** One loss, or a list of those that are summed up. */
export type CriterionConfig = CriterionTermConfig | readonly CriterionTermConfig[];

/** The losses that are summed up. */
export function criterionTerms(
  criterion: CriterionConfig,
): readonly CriterionTermConfig[] {
  return "name" in criterion ? [criterion] : criterion;
}

/** The class weights of a term that follow from counts; null: none do. */
export function countedClassWeights(
  term: CriterionTermConfig,
): { readonly rule: CountedClassWeights; readonly beta: number } | null {
  if (!("classWeights" in term) || typeof term.classWeights !== "string") return null;
  return { rule: term.classWeights, beta: term.beta };
}

/**
 * The given weights of a term, in the order of the classes.
 *
 * @returns Null if there are none.
 * @throws {RangeError} If there is none for a class, or one for a class that there is not.
 */
export function givenClassWeights(
  weights: Exclude<ClassWeightsConfig, CountedClassWeights>,
  classNames: readonly string[],
): readonly number[] | null {
  if (weights === null) return null;
  const inOrder = Array.isArray(weights)
    ? weights
    : weightsInOrder(weights as Readonly<Record<string, number>>, classNames);
  if (inOrder.length !== classNames.length) {
    throw new RangeError(
      `must have one weight per class, ${classNames.length}: received ${inOrder.length}`,
    );
  }
  if (inOrder.some((weight) => weight > 0)) return inOrder;
  throw new RangeError("must have a weight above 0, or no class is learned");
}

function weightsInOrder(
  byName: Readonly<Record<string, number>>,
  classNames: readonly string[],
): readonly number[] {
  for (const name of Object.keys(byName)) {
    if (classNames.includes(name)) continue;
    throw new RangeError(`Unknown class "${name}"${didYouMean(name, classNames)}`);
  }
  return classNames.map((name) => Object.hasOwn(byName, name) ? byName[name] ?? 1 : 1);
}

const classWeight = z.number().gte(0).lte(1e6);
const term = { weight: z.number().positive().default(1) };
const pixelMean = {
  ...term,
  classWeights: z.union([
    z.enum(["inverse-frequency", "median-frequency", "effective-number"]),
    z.array(classWeight).min(1),
    z.record(z.string(), classWeight),
  ], {
    error:
      "must be a list of a weight per class, a mapping of names of classes to weights, " +
      "or the name of a rule",
  }).nullable().default(null),
  beta: fractionBelowOne.default(0.9999),
  average: z.enum(["all", "valid"]).nullable().default(null),
};
const region = { ...term, per: z.enum(["batch", "image"]).default("batch") };

const TermSchema = z.discriminatedUnion("name", [
  z.strictObject({
    name: z.literal("cross-entropy").optional().default("cross-entropy"), // may be left out
    ...pixelMean,
    labelSmoothing: fractionBelowOne.default(0),
  }),
  z.strictObject({
    name: z.literal("focal"),
    ...pixelMean,
    gamma: nonNegative.lte(100).default(2),
  }),
  z.strictObject({
    name: z.literal("ohem"),
    ...term,
    threshold: z.number().gte(0).lte(1).default(0.7),
    minKept: z.int().positive().default(100_000),
  }),
  z.strictObject({
    name: z.literal("dice"),
    ...region,
    smooth: nonNegative.default(0),
  }),
  z.strictObject({
    name: z.literal("lovasz-softmax"),
    ...region,
    classes: z.enum(["present", "all"]).default("present"),
  }),
]);

/** Limits and defaults of {@linkcode CriterionConfig}. */
export const CriterionSchema = z.union([
  TermSchema,
  z.array(TermSchema).min(1, { error: "must have at least one loss" }).superRefine(
    (terms, context) => {
      const names = terms.map(({ name }) => name);
      names.forEach((name, index) => {
        if (names.indexOf(name) === index) return;
        context.addIssue({
          code: "custom",
          path: [index, "name"],
          message: `is the second "${name}": give one with the sum of both weights`,
        });
      });
    },
  ),
], { error: "must be a loss, as { name: dice }, or a list of losses" }).prefault({});
