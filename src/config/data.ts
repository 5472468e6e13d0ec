/** What a run trains on and is measured on. @module */

import {
  type ClassInfo,
  IGNORED,
  IMAGENET,
  type Normalisation,
} from "../core/host_batch.ts";
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

/** How images become crops, for every kind of data. */
export interface CropConfig {
  /** Images shrink or grow into this box and keep their shape; null: as they are. */
  readonly resize: Size | null;
  /** The box of labelled training images where it is another one; null: `resize`. */
  readonly sourceResize: Size | null;
  /** What the network is trained on. */
  readonly crop: Size;
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

/** Images of one split folder, all of them unless `include` or `list` say otherwise. */
export interface FolderSplit {
  /** Name of the folder below `images/` and `labels/`. */
  readonly split: string;
  /** Stems to use, with `*` for any text. */
  readonly include: readonly string[];
  /** A text file with one stem per line; null: no list. */
  readonly list: string | null;
}

/** `ROOT/images/<split>/<stem>.(jpg|png)` and `ROOT/labels/<split>/<stem>.png`. */
export interface FolderData extends CropConfig {
  /** Images and labels in files. */
  readonly kind: "folder";
  /** The data set's folder; see {@linkcode folderRoot}. */
  readonly root: string | null;
  /** In the order of their ids. */
  readonly classes: readonly ClassInfo[];
  /** Class id, or 255 for none, of every value in label files; null: values are ids. */
  readonly labels: Readonly<Record<string, number>> | null;
  /** Images with labels. */
  readonly source: FolderSplit;
  /** Images without labels; null: the method needs none. */
  readonly target: FolderSplit | null;
  /** By name; the first one decides which checkpoint is the best. */
  readonly evaluations: Readonly<Record<string, FolderSplit>>;
}

/** Scenes that are drawn while the run needs them. */
export interface EmbeddedSplit {
  /** "clean" is flat and sharp, "worn" has texture, noise, haze and shifted colours. */
  readonly domain: "clean" | "worn";
  /** Different scenes in this split. */
  readonly images: number;
}

/** The made data set of street scenes; needs no files. */
export interface EmbeddedData extends CropConfig {
  /** Images and labels from the renderer. */
  readonly kind: "embedded";
  /** Of a scene. */
  readonly size: Size;
  /** Scenes with labels. */
  readonly source: EmbeddedSplit;
  /** Scenes without labels; null: the method needs none. */
  readonly target: EmbeddedSplit | null;
  /** By name; the first one decides which checkpoint is the best. */
  readonly evaluations: Readonly<Record<string, EmbeddedSplit>>;
}

/** Source, target, evaluations, and how images become crops. */
export type DataConfig = FolderData | EmbeddedData;

const share = z.number().gte(0).lte(1);
const byte = z.int().gte(0).lte(255);
const divisor = z.number().positive();

const crops = {
  resize: SizeSchema.nullable().default(null),
  sourceResize: SizeSchema.nullable().default(null),
  crop: SizeSchema,
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

function evaluationsOf<Split extends z.ZodType>(split: Split) {
  // A name that looks like an index would move to the front of every object.
  const name = z.string().regex(/^[A-Za-z][\w-]*$/, "must start with a letter");
  return z.record(name, split).refine((all) => Object.keys(all).length > 0, {
    error: "must name at least one evaluation",
  });
}

const folderSplit = z.strictObject({
  split: z.string().min(1),
  include: z.array(z.string().min(1)).min(1).default(["*"]),
  list: z.string().min(1).nullable().default(null),
});

const classes = z.array(z.strictObject({
  name: z.string().min(1),
  color: z.tuple([byte, byte, byte]),
})).min(2).max(IGNORED).superRefine((all, context) => {
  const names = all.map(({ name }) => name);
  names.forEach((name, id) => {
    if (names.indexOf(name) === id) return;
    context.addIssue({
      code: "custom",
      path: [id, "name"],
      message: `is taken by class ${names.indexOf(name)}: "${name}"`,
    });
  });
});

const Folder = z.strictObject({
  kind: z.literal("folder"),
  root: z.string().min(1).nullable().default(null),
  classes,
  labels: z.record(z.string().regex(/^\d+$/, "must be a whole number"), byte)
    .nullable().default(null),
  source: folderSplit,
  target: folderSplit.nullable().default(null),
  evaluations: evaluationsOf(folderSplit),
  ...crops,
}).superRefine(({ classes, labels }, context) => {
  for (const [value, id] of Object.entries(labels ?? {})) {
    if (id < classes.length || id === IGNORED) continue;
    context.addIssue({
      code: "custom",
      path: ["labels", value],
      message: `must be a class id of 0 … ${
        classes.length - 1
      }, or ${IGNORED}: received ${id}`,
    });
  }
});

const embeddedSplit = z.strictObject({
  domain: z.enum(["clean", "worn"]),
  images: z.int().positive(),
});

const Embedded = z.strictObject({
  kind: z.literal("embedded"),
  size: SizeSchema.default({ height: 96, width: 128 }),
  source: embeddedSplit.default({ domain: "clean", images: 200 }),
  target: embeddedSplit.nullable().default(null),
  evaluations: evaluationsOf(embeddedSplit),
  ...crops,
});

/** Limits and defaults of {@linkcode DataConfig}. */
export const DataSchema: z.ZodType<DataConfig> = z.discriminatedUnion("kind", [
  Folder,
  Embedded,
]);

/**
 * The folder of a data set, needed as soon as a file is to be read.
 *
 * @throws {RangeError} If the configuration and its overrides leave it open.
 */
export function folderRoot(data: { readonly root: string | null }): string {
  if (data.root !== null) return data.root;
  throw new RangeError(
    'Cannot read the data set: "data.root" is not given: ' +
      "name its folder with --set data.root=FOLDER",
  );
}
