/** Which splits of which data sets are prepared. @module */

import { didYouMean } from "../config/did_you_mean.ts";
import type { RunConfig } from "../config/schema.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import {
  CAMVID_CLASSES,
  NATIVE_DATA_SETS,
  type NativeDataSet,
} from "../data/native_classes.ts";
import type { DataSpec } from "../data/data_spec.ts";
import { vocColor } from "../data/label_colors.ts";
import { NATIVE_LAYOUTS } from "../data/native/native.ts";
import { openSource } from "../data/source/open_source.ts";
import { evaluationSpecs, trainingLoaderSpec } from "./data_specs.ts";

/** A split to be prepared. */
export interface SplitToPrepare {
  /** For tables and messages. */
  readonly name: string;
  readonly spec: DataSpec;
  /** Networks learn from it, or are scored on it. */
  readonly use: "training" | "evaluation";
  /** Said in place of an error if it is not there; null: it has to be there. */
  readonly absentNote: string | null;
  /** How many pictures its authors published; null: not known. */
  readonly publishedCount: number | null;
}

/** What can be prepared by name. */
export const DATA_SETS: readonly string[] = [...NATIVE_DATA_SETS, "folder"];

/** Whether what is to be prepared is a configuration, and no data set. */
export const isConfigFile = (name: string): boolean => /\.ya?ml$/i.test(name);

/**
 * Says what is wrong with the name of a data set or a configuration, and its root.
 *
 * @returns Null if nothing is.
 */
export function dataSetNameProblem(
  name: string,
  root: string | undefined,
): string | null {
  if (isConfigFile(name)) return null;
  if (!DATA_SETS.includes(name)) {
    return `Cannot prepare "${name}": known are ${DATA_SETS.join(", ")} and ` +
      `configurations, which end in .yaml${didYouMean(name, DATA_SETS)}`;
  }
  if (root !== undefined) return null;
  return `Cannot prepare "${name}": name its folder too, as in: deno task prepare ${name} ` +
    "/data/" + name;
}

/** The splits of a configuration, in the order in which a run opens them. */
export function splitsOfConfig(
  config: RunConfig,
  cacheFolder: string | null,
): SplitToPrepare[] {
  const { source, target } = trainingLoaderSpec(config, cacheFolder);
  const evaluations = [...evaluationSpecs(config.data, cacheFolder)].map((
    [name, spec],
  ): SplitToPrepare => splitToPrepare(`evaluation ${name}`, spec, "evaluation"));
  return [
    splitToPrepare("source", source, "training"),
    ...(target === null ? [] : [splitToPrepare("target", target, "training")]),
    ...evaluations,
  ];
}

/** The splits of a data set as it was downloaded, or of a folder data set. */
export async function splitsOfDataSet(
  name: string,
  root: string,
  cacheFolder: string | null,
): Promise<SplitToPrepare[]> {
  const native = (
    set: NativeDataSet,
    split: string | null,
    list: string | null = null,
  ) => ({
    kind: "native" as const,
    set,
    root,
    split,
    list,
    include: ["*"],
    labeled: true,
    cacheFolder,
  });
  switch (name) {
    case "cityscapes":
      return [
        splitToPrepare("train", native("cityscapes", "train"), "training"),
        splitToPrepare("val", native("cityscapes", "val"), "evaluation"),
        splitToPrepare(
          "test",
          { ...native("cityscapes", "test"), labeled: false },
          "training",
          "the test split is not there; no configuration needs it",
        ),
      ];
    case "voc":
      return [
        splitToPrepare("train", native("voc", "train"), "training"),
        splitToPrepare("val", native("voc", "val"), "evaluation"),
        splitToPrepare(
          "extra labels",
          native("voc", null, "pascal/1464/unlabeled"),
          "training",
          "the extra labels of 9118 pictures (SegmentationClassAug or SBD) are not " +
            "there; training on more than the first 1464 with labels needs them",
        ),
      ];
    case "gta5":
    case "synthia":
      return [splitToPrepare("all", native(name, null), "training")];
  }
  const isFolder = name === "folder" || await isFolderDataSet(root, cacheFolder);
  if (!isFolder) return [splitToPrepare("all", native("camvid", null), "training")];
  const classes = name === "camvid" ? CAMVID_CLASSES : UNNAMED_CLASSES;
  return (await splitFoldersOf(root, cacheFolder)).map((split) =>
    splitToPrepare(
      split,
      {
        kind: "folder",
        root,
        split,
        classes,
        hasClassColors: classes !== UNNAMED_CLASSES,
        labeled: true,
        include: ["*"],
        list: null,
        cacheFolder,
      },
      /^train/i.test(split) ? "training" : "evaluation",
    )
  );
}

/** Classes of a folder that says nothing about them: the colors are those of VOC's ids. */
export const UNNAMED_CLASSES: readonly ClassInfo[] = Array.from(
  { length: 255 },
  (_, id) => ({ name: `class ${id}`, color: vocColor(id) }),
);

function splitToPrepare(
  name: string,
  spec: DataSpec,
  use: SplitToPrepare["use"],
  absentNote: string | null = null,
): SplitToPrepare {
  return { name, spec, use, absentNote, publishedCount: publishedCountOf(spec) };
}

function publishedCountOf(spec: DataSpec): number | null {
  if (spec.kind !== "native" || (spec.include ?? ["*"]).join() !== "*") return null;
  if ((spec.list ?? null) !== null) return null;
  return NATIVE_LAYOUTS[spec.set].imageCounts[spec.split ?? ""] ?? null;
}

async function isFolderDataSet(
  root: string,
  cacheFolder: string | null,
): Promise<boolean> {
  const { source } = await openSource({ root, cacheFolder });
  return await source.findFirst(["images"]) !== null &&
    await source.findFirst(["labels"]) !== null;
}

async function splitFoldersOf(
  root: string,
  cacheFolder: string | null,
): Promise<string[]> {
  const { source } = await openSource({ root, cacheFolder });
  const splits = (await source.listChildren("images") ?? [])
    .filter((name) => !name.startsWith(".") && !/\.[a-z0-9]+$/i.test(name)).sort();
  if (splits.length > 0) return splits;
  throw new RangeError(
    `Cannot find a data set in "${root}": a folder data set is ` +
      '"images/<split>/<stem>.jpg" and "labels/<split>/<stem>.png"; other names are for a ' +
      'configuration with "data.files"',
  );
}

/** Where to get what is missing of a split; null where it is unknown. */
export const downloadHint = ({ spec }: SplitToPrepare): string | null =>
  spec.kind === "native" ? NATIVE_LAYOUTS[spec.set].downloadHint : null;
