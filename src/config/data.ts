/** What a run trains on and is measured on. @module */

import { type ClassInfo, IGNORED } from "../core/host_batch.ts";
import { z } from "../core/zod.ts";
import { type CropConfig, cropFields, evaluationsOf } from "./crops.ts";
import { type NativeData, NativeSchema } from "./native_data.ts";
import { type Size, SizeSchema } from "./size.ts";

/** Images of one split folder, all of them unless `include` or `list` say otherwise. */
export interface FolderSplit {
  /** Name of the folder below `images/` and `labels/`. */
  readonly split: string;
  /** Stems to use, with `*` for any text. */
  readonly include: readonly string[];
  /**
   * A text file with one stem per line, from here, the configuration's folder or the data
   * set's, or one of `configs/splits`; null: no list.
   */
  readonly list: string | null;
}

/** What the files of a folder data set are called. */
export interface FileNames {
  /** The folder of the images; `{split}` stands for the split's name. */
  readonly images: string;
  /** The folder of the labels, likewise. */
  readonly labels: string;
  /** Between an image's stem and its ending, as `_rgb` in `0001_rgb.png`. */
  readonly imageSuffix: string;
  /** Between a label's stem and ".png". */
  readonly labelSuffix: string;
}

/** `ROOT/images/<split>/<stem>.(jpg|png)` and `ROOT/labels/<split>/<stem>.png`. */
export interface FolderData extends CropConfig {
  /** Images and labels in files. */
  readonly kind: "folder";
  /** The data set's folder, which may hold archives, or an archive; see {@linkcode folderRoot}. */
  readonly root: string | null;
  /** What files are called, where it is not as above. */
  readonly files: FileNames;
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
export type DataConfig = FolderData | NativeData | EmbeddedData;

const byte = z.int().gte(0).lte(255);

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

const Files = z.strictObject({
  images: z.string().min(1).default("images/{split}"),
  labels: z.string().min(1).default("labels/{split}"),
  imageSuffix: z.string().default(""),
  labelSuffix: z.string().default(""),
});

const Folder = z.strictObject({
  kind: z.literal("folder"),
  root: z.string().min(1).nullable().default(null),
  files: Files.prefault({}),
  classes,
  labels: z.record(z.string().regex(/^\d+$/, "must be a whole number"), byte)
    .nullable().default(null),
  source: folderSplit,
  target: folderSplit.nullable().default(null),
  evaluations: evaluationsOf(folderSplit),
  ...cropFields,
}).superRefine(({ classes, labels, padding }, context) => {
  if (padding.label >= classes.length && padding.label !== IGNORED) {
    context.addIssue({
      code: "custom",
      path: ["padding", "label"],
      message: `must be a class id of 0 … ${
        classes.length - 1
      }, or ${IGNORED}: received ${padding.label}`,
    });
  }
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
  ...cropFields,
});

/** Limits and defaults of {@linkcode DataConfig}. */
export const DataSchema: z.ZodType<DataConfig> = z.discriminatedUnion("kind", [
  Folder,
  NativeSchema,
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
