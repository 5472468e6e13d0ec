/** What a run trains on and is evaluated on, and how images become crops. @module */

import {
  CLASS_NAME,
  type ClassInfo,
  IGNORE_INDEX,
  IMAGENET,
  MAX_CHANNELS,
  type Normalization,
  STEPS_OF_16_BITS,
} from "../core/host_batch.ts";
import {
  NATIVE_CLASSES,
  NATIVE_DATA_SETS,
  type NativeDataSet,
} from "../data/native_classes.ts";
import * as z from "../core/zod.ts";
import { type AugmentationConfig, AugmentationSchema } from "./augmentation.ts";
import { didYouMean } from "./did_you_mean.ts";
import { fraction, type Size, SizeSchema } from "./ranges.ts";

/** Rare class sampling of the source. DAFormer, section 3.2. */
export interface RareClassSamplingConfig {
  /** The lower, the more often images of rare classes are drawn. */
  readonly classTemperature: number;
  /** An image is a candidate for a class if more than this many pixels have it. */
  readonly minPixels: number;
  /**
   * A crop is accepted with more than so many times `minPixels`: 0.5 at 512×512 as published,
   * 2 at 1024×1024, which has four times as many pixels.
   */
  readonly minCropRatio: number;
}

/** Padding of small training images; its color is the mean. */
export interface PaddingConfig {
  /** At the bottom and at the right, or on all sides. */
  readonly position: "corner" | "center";
  /**
   * Class id of padded pixels; 255: none. With 255, semi-supervised methods give them no
   * pseudo-label either.
   */
  readonly label: number;
}

/** How images become crops, for every kind of data. */
export interface CommonDataConfig {
  /** Images shrink or grow into this box and keep their aspect ratio; null: as they are. */
  readonly resize: Size | null;
  /** The box of labeled training images where it is another one; null: `resize`. */
  readonly sourceResize: Size | null;
  /** What the network is trained on. */
  readonly cropSize: Size;
  /** Least and largest factor by which every training image is scaled. Null: none is. */
  readonly randomScale: readonly [number, number] | null;
  /**
   * "halves": half of the images shrink and half grow, as in U2PL; "uniform": factors are
   * uniform, as in MMSegmentation and torchvision.
   */
  readonly randomScaleDistribution: "halves" | "uniform";
  /** What surrounds an image that is smaller than the crop. */
  readonly padding: PaddingConfig;
  /** Share of crops that are mirrored left to right. */
  readonly flipProbability: number;
  /** What else happens to labeled crops; null: nothing. */
  readonly augmentation: AugmentationConfig | null;
  /** A crop is drawn again, ten times at most, while one class covers more than this share. */
  readonly catMaxRatio: number;
  /** Null: images are drawn uniformly. */
  readonly rareClassSampling: RareClassSamplingConfig | null;
  /** Labeled crops per iteration, and as many without labels. */
  readonly batchSize: number;
  /** Values per pixel of an image; 3: red, green, blue. */
  readonly channels: number;
  /** Bits per value: 8, or 16 for values of 0 … 65535. */
  readonly bitDepth: 8 | 16;
  /**
   * What images are shifted and divided by. Null, in a file: with three channels the
   * statistics of ImageNet, times 257 where they have 16 bits; with another number of
   * channels it has to be given.
   */
  readonly normalization: Normalization;
  /** Background threads that read and crop images; 0: none. */
  readonly numWorkers: number;
}

/** Images of one split folder, all of them unless `include` or `list` say otherwise. */
export interface FolderSplitConfig {
  /** What stands for `{split}` in `files`: the folder below `images/` and `labels/`. */
  readonly split: string;
  /** Stems to use, with `*` for any text. */
  readonly include: readonly string[];
  /**
   * A text file with a stem or path per line, from here, the configuration's folder or the
   * data set's, or one of `configs/splits`; null: no list.
   */
  readonly list: string | null;
}

/** What the files of a folder data set are called. */
export interface FileNamesConfig {
  /** The folder of the images; `{split}` stands for the split's name. */
  readonly images: string;
  /** The folder of the labels, likewise. */
  readonly labels: string;
  /** Between an image's stem and its ending, as `_rgb` in `0001_rgb.png`. */
  readonly imageSuffix: string;
  /** Between a label's stem and its ending; a file that has it is no image. */
  readonly labelSuffix: string;
}

/** `ROOT/images/<split>/<stem>.(jpg|png|tif)` and `ROOT/labels/<split>/<stem>.(png|tif)`. */
export interface FolderDataConfig extends CommonDataConfig {
  /** Images and labels in files. */
  readonly kind: "folder";
  /**
   * The data set's folder, which may hold archives, or an archive; null: it has to be given
   * with `--set data.root=FOLDER` where files are read.
   */
  readonly root: string | null;
  /** What files are called, where it is not as above. */
  readonly files: FileNamesConfig;
  /** In the order of their ids. */
  readonly classes: readonly ClassInfo[];
  /**
   * Class id, or 255 for none, of every value in label files; null: values are ids. Labels
   * in the colors of the classes need none.
   */
  readonly labelMap: Readonly<Record<string, number>> | null;
  /**
   * Folder of the lists, where they are not found from here; the configuration's own folder
   * unless given.
   */
  readonly listFolder: string | null;
  /** Images with labels. */
  readonly source: FolderSplitConfig;
  /** Images without labels; null: the method needs none. */
  readonly target: FolderSplitConfig | null;
  /** By name; the first one decides which checkpoint is the best. */
  readonly evaluations: Readonly<Record<string, FolderSplitConfig>>;
}

/** What data sets with annotations in JSON have in common. */
export interface AnnotatedDataConfig extends CommonDataConfig {
  /**
   * The data set's folder, which may hold archives, or an archive; null: it has to be given
   * with `--set data.root=FOLDER` where files are read.
   */
  readonly root: string | null;
  /** In the order of their ids. */
  readonly classes: readonly ClassInfo[];
  /**
   * The class of each category that is not called like it, as `{ sedan: car }`; null in
   * place of a class: its pixels are ignored. `"*"` is every other category.
   */
  readonly categoryMap: Readonly<Record<string, string | null>> | null;
  /** The class of pixels that no annotation covers; null: they are ignored. */
  readonly background: string | null;
  /**
   * Folder of the lists, where they are not found from here; the configuration's own folder
   * unless given.
   */
  readonly listFolder: string | null;
  /** Images with labels. */
  readonly source: FolderSplitConfig;
  /** Images without labels, which need no annotations; null: the method needs none. */
  readonly target: FolderSplitConfig | null;
  /** By name; the first one decides which checkpoint is the best. */
  readonly evaluations: Readonly<Record<string, FolderSplitConfig>>;
}

/** What the files of a COCO data set are called. */
export interface CocoFilesConfig {
  /** The folder of the images; `{split}` stands for the split's name. */
  readonly images: string;
  /** The JSON of their annotations, likewise. */
  readonly annotations: string;
}

/** Images, and one COCO JSON per split. */
export interface CocoDataConfig extends AnnotatedDataConfig {
  /** Images in files, and polygons or run-length encodings of a split in one JSON. */
  readonly kind: "coco";
  /** What files are called, where it is not as COCO has them. */
  readonly files: CocoFilesConfig;
  /** Regions with `iscrowd` have the class of their category, or are ignored. */
  readonly crowd: "class" | "ignore";
}

/** What the files of a labelme data set are called. */
export interface LabelmeFilesConfig {
  /** The folder of the images; `{split}` stands for the split's name. */
  readonly images: string;
  /** The folder of the annotations, likewise. */
  readonly annotations: string;
}

/** Images, and one labelme JSON for each. */
export interface LabelmeDataConfig extends AnnotatedDataConfig {
  /** Images in files, and the shapes of each in a JSON of its name. */
  readonly kind: "labelme";
  /** What folders are called, where annotations are not beside the images of a split. */
  readonly files: LabelmeFilesConfig;
}

/** Scenes that are drawn while the run needs them. */
export interface EmbeddedSplitConfig {
  /** "clean" is flat and sharp, "worn" has texture, noise, haze and shifted colors. */
  readonly domain: "clean" | "worn";
  /** Different scenes in this split. */
  readonly images: number;
}

/** The procedurally generated data set of street scenes; needs no files. */
export interface EmbeddedDataConfig extends CommonDataConfig {
  /** Images and labels from the renderer. */
  readonly kind: "embedded";
  /** Of a scene. */
  readonly size: Size;
  /** Scenes with labels. */
  readonly source: EmbeddedSplitConfig;
  /** Scenes without labels; null: the method needs none. */
  readonly target: EmbeddedSplitConfig | null;
  /** By name; the first one decides which checkpoint is the best. */
  readonly evaluations: Readonly<Record<string, EmbeddedSplitConfig>>;
}

/** Images of one data set, all of its split unless `include` or `list` say otherwise. */
export interface NativeSplitConfig {
  /** Which data set. */
  readonly set: NativeDataSet;
  /**
   * Its folder, which may hold the archives of the download; an archive; or an address of
   * one. `{000000..000012}` stands for several archives, `{split}` for the split's name.
   * Null: where another part of the run has the same set, else the folder of the set's name
   * below `data.root`.
   */
  readonly root: string | null;
  /** As the data set names it; null where it has none, or a list says all. */
  readonly split: string | null;
  /** Stems to use, with `*` for any text. */
  readonly include: readonly string[];
  /**
   * A text file with one stem or path per line, from here, the configuration's folder or
   * the data set's, or one of `configs/splits`; null: no list.
   */
  readonly list: string | null;
  /**
   * "voc" only: the folder or archive of SBD, whose labels stand in where the data set has
   * none; null: where it lies in or beside the root.
   */
  readonly sbd: string | null;
}

/** Data sets in their native layouts; their classes follow from the sets. */
export interface NativeDataConfig extends CommonDataConfig {
  /** Images and labels in files, as they were downloaded. */
  readonly kind: "native";
  /** A folder with one folder per data set, of its name; null: each has its own root. */
  readonly root: string | null;
  /**
   * Folder of the lists, where they are not found from here; the configuration's own folder
   * unless given.
   */
  readonly listFolder: string | null;
  /** Images with labels. */
  readonly source: NativeSplitConfig;
  /** Images without labels; null: the method needs none. */
  readonly target: NativeSplitConfig | null;
  /** By name; the first one decides which checkpoint is the best. */
  readonly evaluations: Readonly<Record<string, NativeSplitConfig>>;
}

/** Source, target, evaluations, and how images become crops. */
export type DataConfig =
  | FolderDataConfig
  | CocoDataConfig
  | LabelmeDataConfig
  | NativeDataConfig
  | EmbeddedDataConfig;

const positiveNumber = z.number().positive();

/** Limits and defaults of {@linkcode CommonDataConfig}. */
const commonDataFields = {
  resize: SizeSchema.nullable().default(null),
  sourceResize: SizeSchema.nullable().default(null),
  cropSize: SizeSchema,
  randomScale: z.tuple([z.number().gt(0).lte(1), z.number().gte(1)], {
    error: "must be a factor of at most 1 and one of at least 1, as in [0.5, 2]",
  }).nullable().default(null),
  randomScaleDistribution: z.enum(["halves", "uniform"]).default("halves"),
  padding: z.strictObject({
    position: z.enum(["corner", "center"]).default("corner"),
    label: z.int().gte(0).lte(255).default(IGNORE_INDEX),
  }).prefault({}),
  flipProbability: fraction.default(0.5),
  augmentation: AugmentationSchema.nullable().default(null),
  catMaxRatio: z.number().gt(0).lte(1).default(0.75),
  rareClassSampling: z.strictObject({
    classTemperature: z.number().positive().default(0.01),
    minPixels: z.int().nonnegative().default(3000),
    minCropRatio: z.number().nonnegative().default(0.5),
  }).nullable().default(null),
  batchSize: z.int().positive().default(2),
  channels: z.int().gte(1).lte(MAX_CHANNELS).default(3),
  bitDepth: z.literal([8, 16]).default(8),
  normalization: z.strictObject({
    mean: z.array(z.number()).min(1).max(MAX_CHANNELS),
    std: z.array(positiveNumber).min(1).max(MAX_CHANNELS),
  }).nullable().default(null),
  numWorkers: z.int().nonnegative().lte(256).default(1),
};

/** Evaluations by name, at least one. */
function namedEvaluations<Split extends z.ZodType>(split: Split) {
  // A name that looks like an index would move to the front of every object.
  const name = z.string().regex(/^[A-Za-z][\w-]*$/, "must start with a letter");
  return z.record(name, split).refine((all) => Object.keys(all).length > 0, {
    error: "must name at least one evaluation",
  });
}

const byte = z.int().gte(0).lte(255);

const folderSplit = z.strictObject({
  split: z.string().min(1),
  include: z.array(z.string().min(1)).min(1).default(["*"]),
  list: z.string().min(1).nullable().default(null),
});

const classes = z.array(z.strictObject({
  name: z.string().regex(
    CLASS_NAME,
    "must have 1 to 200 characters, and no control characters",
  ),
  color: z.tuple([byte, byte, byte]),
})).min(2).max(IGNORE_INDEX).superRefine((all, context) => {
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

const Files = z.strictObject({
  images: z.string().min(1).default("images/{split}"),
  labels: z.string().min(1).default("labels/{split}"),
  imageSuffix: z.string().default(""),
  labelSuffix: z.string().default(""),
});

/** Checks that padding has the label of a class, or none. */
function checkPaddingLabel(
  { classes, padding }: Pick<FolderDataConfig, "classes" | "padding">,
  context: z.RefinementCtx,
): void {
  if (padding.label < classes.length || padding.label === IGNORE_INDEX) return;
  context.addIssue({
    code: "custom",
    path: ["padding", "label"],
    message: `must be a class id of 0 … ${
      classes.length - 1
    }, or ${IGNORE_INDEX}: received ${padding.label}`,
  });
}

const FolderSchema = z.strictObject({
  kind: z.literal("folder"),
  root: z.string().min(1).nullable().default(null),
  files: Files.prefault({}),
  classes,
  labelMap: z.record(z.string().regex(/^\d+$/, "must be a whole number"), byte)
    .nullable().default(null),
  listFolder: z.string().min(1).nullable().default(null),
  source: folderSplit,
  target: folderSplit.nullable().default(null),
  evaluations: namedEvaluations(folderSplit),
  ...commonDataFields,
}).superRefine(checkPaddingLabel).superRefine(({ classes, labelMap }, context) => {
  for (const [value, id] of Object.entries(labelMap ?? {})) {
    if (id < classes.length || id === IGNORE_INDEX) continue;
    context.addIssue({
      code: "custom",
      path: ["labelMap", value],
      message: `must be a class id of 0 … ${
        classes.length - 1
      }, or ${IGNORE_INDEX}: received ${id}`,
    });
  }
});

/** Limits and defaults of {@linkcode AnnotatedDataConfig}. */
const annotatedFields = {
  root: z.string().min(1).nullable().default(null),
  classes,
  categoryMap: z.record(z.string().min(1), z.string().min(1).nullable())
    .nullable().default(null),
  background: z.string().min(1).nullable().default("background"),
  listFolder: z.string().min(1).nullable().default(null),
  source: folderSplit,
  target: folderSplit.nullable().default(null),
  evaluations: namedEvaluations(folderSplit),
  ...commonDataFields,
};

/** Checks that the names of classes in an annotated data set are those of its classes. */
function checkClassNames(
  { classes, categoryMap, background }: Pick<
    AnnotatedDataConfig,
    "classes" | "categoryMap" | "background"
  >,
  context: z.RefinementCtx,
): void {
  const names = classes.map(({ name }) => name);
  const named: [string[], string | null][] = [
    ...Object.entries(categoryMap ?? {}).map(
      ([category, name]): [string[], string | null] => [["categoryMap", category], name],
    ),
    [["background"], background],
  ];
  for (const [path, name] of named) {
    if (name === null || names.includes(name)) continue;
    context.addIssue({
      code: "custom",
      path,
      message: `must be the name of a class, or null to ignore: received "${name}"${
        didYouMean(name, names)
      }`,
    });
  }
}

const CocoSchema = z.strictObject({
  kind: z.literal("coco"),
  files: z.strictObject({
    images: z.string().min(1).default("{split}"),
    annotations: z.string().min(1).default("annotations/instances_{split}.json"),
  }).prefault({}),
  crowd: z.enum(["class", "ignore"]).default("class"),
  ...annotatedFields,
}).superRefine(checkClassNames).superRefine(checkPaddingLabel);

const LabelmeSchema = z.strictObject({
  kind: z.literal("labelme"),
  files: z.strictObject({
    images: z.string().min(1).default("{split}"),
    annotations: z.string().min(1).default("{split}"),
  }).prefault({}),
  ...annotatedFields,
}).superRefine(checkClassNames).superRefine(checkPaddingLabel);

const embeddedSplit = z.strictObject({
  domain: z.enum(["clean", "worn"]),
  images: z.int().positive().lte(1_000_000), // from there on, scenes are for evaluation
});

const EmbeddedSchema = z.strictObject({
  kind: z.literal("embedded"),
  size: SizeSchema.default({ height: 96, width: 128 }),
  source: embeddedSplit.default({ domain: "clean", images: 200 }),
  target: embeddedSplit.nullable().default(null),
  evaluations: namedEvaluations(embeddedSplit),
  ...commonDataFields,
});

const optionalText = z.string().min(1).nullable().default(null);

const nativeSplit = z.strictObject({
  set: z.enum(NATIVE_DATA_SETS),
  root: optionalText,
  split: optionalText,
  include: z.array(z.string().min(1)).min(1).default(["*"]),
  list: optionalText,
  sbd: optionalText,
});

/** Limits and defaults of {@linkcode NativeDataConfig}. */
const NativeSchema = z.strictObject({
  kind: z.literal("native"),
  root: optionalText,
  listFolder: optionalText,
  source: nativeSplit,
  target: nativeSplit.nullable().default(null),
  evaluations: namedEvaluations(nativeSplit),
  ...commonDataFields,
}).superRefine((data, context) => {
  const { source } = data;
  for (const [path, { set, sbd }] of splitsByPath(data)) {
    if (sbd !== null && set !== "voc") {
      context.addIssue({
        code: "custom",
        path: [...path, "sbd"],
        message: `SBD has labels for "voc", and none for "${set}": leave it out`,
      });
    }
    if (NATIVE_CLASSES[set] === NATIVE_CLASSES[source.set]) continue;
    context.addIssue({
      code: "custom",
      path: [...path, "set"],
      message:
        `"${set}" has other classes than the source, "${source.set}": they cannot ` +
        "be joined",
    });
  }
});

/** No channel: the statistics are still to be given. */
const OPEN_NORMALIZATION: Normalization = { mean: [], std: [] };

function defaultNormalization(
  { channels, bitDepth }: Pick<CommonDataConfig, "channels" | "bitDepth">,
): Normalization {
  if (channels !== IMAGENET.mean.length) return OPEN_NORMALIZATION;
  const steps = bitDepth === 16 ? STEPS_OF_16_BITS : 1;
  const scaled = (values: readonly number[]) => values.map((value) => value * steps);
  return { mean: scaled(IMAGENET.mean), std: scaled(IMAGENET.std) };
}

/** Limits and defaults of {@linkcode DataConfig}. */
export const DataSchema: z.ZodType<DataConfig> = z.discriminatedUnion("kind", [
  FolderSchema,
  CocoSchema,
  LabelmeSchema,
  NativeSchema,
  EmbeddedSchema,
]).superRefine(({ kind, channels, bitDepth, normalization }, context) => {
  const report = (path: string[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  if (kind === "embedded") {
    const drawn = "the scenes of the embedded data set are drawn in RGB of 8 bits";
    if (channels !== 3) {
      report(["channels"], `must be 3, as ${drawn}: received ${channels}`);
    }
    if (bitDepth !== 8) {
      report(["bitDepth"], `must be 8, as ${drawn}: received ${bitDepth}`);
    }
  }
  for (const key of ["mean", "std"] as const) {
    const { length } = normalization?.[key] ?? { length: channels };
    if (length === channels) continue;
    report(
      ["normalization", key],
      `must have a number for each of "data.channels", ${channels}: received ${length}`,
    );
  }
}).transform((data) => ({
  ...data,
  normalization: data.normalization ?? defaultNormalization(data),
}));

/**
 * Sees to it that images can be normalized.
 *
 * @param purpose What else cannot be done, for the message.
 * @throws {RangeError} If the configuration and its overrides leave it open.
 */
export function assertNormalization(
  { channels, normalization }: CommonDataConfig,
  purpose = "train",
): void {
  if (normalization.mean.length === channels) return;
  throw new RangeError(
    `Cannot ${purpose}: "data.normalization" is not given, and there is no default for ` +
      `"data.channels" of ${channels}: "deno task prepare" with this configuration prints ` +
      "mean and standard deviation of each channel, to be pasted",
  );
}

/**
 * The folder of a data set, needed as soon as a file is to be read.
 *
 * @throws {RangeError} If the configuration and its overrides leave it open.
 */
export function requireDataRoot(data: { readonly root: string | null }): string {
  if (data.root !== null) return data.root;
  throw new RangeError(
    'Cannot read the data set: "data.root" is not given: ' +
      "name its folder with --set data.root=FOLDER",
  );
}

type DataSplits = Pick<NativeDataConfig, "source" | "target" | "evaluations">;

/** Every data set of a run with the path of its key. */
function splitsByPath(
  { source, target, evaluations }: DataSplits,
): [string[], NativeSplitConfig][] {
  return [
    [["source"], source],
    ...(target === null ? [] : [[["target"], target]] as [string[], NativeSplitConfig][]),
    ...Object.entries(evaluations).map(([name, one]): [string[], NativeSplitConfig] => [
      ["evaluations", name],
      one,
    ]),
  ];
}

/**
 * Where a data set of a run is: at its own `root`, else where another part of the run has
 * the same set, else in the folder of its name below `data.root`.
 *
 * @throws {RangeError} If the configuration and its overrides leave it open.
 */
export function nativeDataRoot(
  data: DataSplits & Pick<NativeDataConfig, "root">,
  wanted: NativeSplitConfig,
): string {
  const all = splitsByPath(data);
  const sameSet = all.find(([, { set, root }]) => set === wanted.set && root !== null);
  const root = wanted.root ?? sameSet?.[1].root ?? null;
  if (root !== null) return root;
  if (data.root !== null) return `${data.root.replace(/[\\/]+$/, "")}/${wanted.set}`;
  const path = all.find(([, { set }]) => set === wanted.set)?.[0] ?? ["source"];
  const key = ["data", ...path, "root"].join(".");
  throw new RangeError(
    `Cannot read the data set "${wanted.set}": "${key}" is not given: name its folder with ` +
      `--set ${key}=FOLDER, or with --set data.root=FOLDER one that holds "${wanted.set}"`,
  );
}

/** Where SBD is for a data set of a run: its own `sbd`, else that of another part. */
export function sbdRoot(data: DataSplits, of: NativeSplitConfig): string | null {
  const same = splitsByPath(data).find(([, { set, sbd }]) =>
    set === of.set && sbd !== null
  );
  return of.sbd ?? same?.[1].sbd ?? null;
}

/**
 * Resolves classes that are given by name or by id.
 *
 * @param wanted Names and ids, in any order.
 * @param classes The classes of the data set, in the order of their ids.
 * @returns Their ids, each once, in the order given.
 * @throws {RangeError} If one is not a class of the data set.
 */
export function resolveClassIds(
  wanted: readonly (string | number)[],
  classes: readonly Pick<ClassInfo, "name">[],
): number[] {
  const names = classes.map(({ name }) => name);
  const ids = wanted.map((one) => {
    const id = typeof one === "number" ? one : names.indexOf(one);
    if (id >= 0 && id < names.length) return id;
    throw new RangeError(
      typeof one === "number"
        ? `Unknown class ${one}: ids are 0 … ${names.length - 1}`
        : `Unknown class "${one}"${didYouMean(one, names)}`,
    );
  });
  return [...new Set(ids)];
}
