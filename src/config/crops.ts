/** How images become crops, and what is common to every kind of data. @module */

import { IGNORED, IMAGENET, type Normalisation } from "../core/host_batch.ts";
import { z } from "../core/zod.ts";
import { type Size, SizeSchema } from "./size.ts";

/** Rare class sampling of the source. DAFormer, section 3.2. */
export interface RareClassConfig {
  /** The lower, the more often images of rare classes are drawn. */
  readonly temperature: number;
  /** An image is a candidate for a class of more pixels than this. */
  readonly minimumPixels: number;
  /** A crop is accepted with more than this share of `minimumPixels`. */
  readonly minimumCropShare: number;
}

/** Padding of small training images; its colour is the mean. */
export interface PaddingConfig {
  /** At the bottom and at the right, or on all sides. */
  readonly place: "corner" | "centre";
  /** Its class id; 255: none, from a teacher neither where labels are few. */
  readonly label: number;
}

/** How images become crops, for every kind of data. */
export interface CropConfig {
  /** Images shrink or grow into this box and keep their shape; null: as they are. */
  readonly resize: Size | null;
  /** The box of labelled training images where it is another one; null: `resize`. */
  readonly sourceResize: Size | null;
  /** What the network is trained on. */
  readonly crop: Size;
  /**
   * Least and largest factor by which every training image is scaled; half of them shrink
   * where the range has 1 inside. Null: none is.
   */
  readonly randomScale: readonly [number, number] | null;
  /** What surrounds an image that is smaller than the crop. */
  readonly padding: PaddingConfig;
  /** Share of crops that are mirrored left to right. */
  readonly flip: number;
  /** A crop is drawn again, ten times at most, while one class holds more of it. */
  readonly largestClassShare: number;
  /** Null: images are drawn uniformly. */
  readonly rareClasses: RareClassConfig | null;
  /** Labelled crops per iteration, and as many without labels. */
  readonly batch: number;
  /** What images are shifted and divided by. */
  readonly normalisation: Normalisation;
  /** Background threads that read and crop images; 0: none. */
  readonly workers: number;
}

const share = z.number().gte(0).lte(1);
const divisor = z.number().positive();

/** Limits and defaults of {@linkcode CropConfig}. */
export const cropFields = {
  resize: SizeSchema.nullable().default(null),
  sourceResize: SizeSchema.nullable().default(null),
  crop: SizeSchema,
  randomScale: z.tuple([z.number().gt(0).lte(1), z.number().gte(1)], {
    error: "must be a factor of at most 1 and one of at least 1, as in [0.5, 2]",
  }).nullable().default(null),
  padding: z.strictObject({
    place: z.enum(["corner", "centre"]).default("corner"),
    label: z.int().gte(0).lte(255).default(IGNORED),
  }).prefault({}),
  flip: share.default(0.5),
  largestClassShare: z.number().gt(0).lte(1).default(0.75),
  rareClasses: z.strictObject({
    temperature: z.number().positive().default(0.01),
    minimumPixels: z.int().nonnegative().default(3000),
    minimumCropShare: share.default(0.5),
  }).nullable().default(null),
  batch: z.int().positive().default(2),
  normalisation: z.strictObject({
    mean: z.tuple([z.number(), z.number(), z.number()]),
    deviation: z.tuple([divisor, divisor, divisor]),
  }).default({ mean: [...IMAGENET.mean], deviation: [...IMAGENET.deviation] }),
  workers: z.int().nonnegative().default(1),
};

/** Evaluations by name, at least one. */
export function evaluationsOf<Split extends z.ZodType>(split: Split) {
  // A name that looks like an index would move to the front of every object.
  const name = z.string().regex(/^[A-Za-z][\w-]*$/, "must start with a letter");
  return z.record(name, split).refine((all) => Object.keys(all).length > 0, {
    error: "must name at least one evaluation",
  });
}
