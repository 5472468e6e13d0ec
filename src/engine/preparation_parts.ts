/** Which splits of which data sets are prepared. @module */

import { suggestion } from "../config/nearest.ts";
import type { RunConfig } from "../config/schema.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import { CAMVID_CLASSES, NATIVE_SETS, type NativeSet } from "../core/known_classes.ts";
import type { DataSpec } from "../data/data_set.ts";
import { PUBLISHED } from "../data/native/published.ts";
import { openSource } from "../data/source/open_source.ts";
import { evaluationSpecs, loaderSpec } from "./data.ts";

/** A split to be prepared. */
export interface Part {
  /** For tables and messages. */
  readonly name: string;
  readonly spec: DataSpec;
  /** Networks learn from it, or are scored on it. */
  readonly use: "training" | "evaluation";
  /** Said in place of an error if it is not there; null: it has to be there. */
  readonly ifAbsent: string | null;
  /** How many pictures its authors published; null: not known. */
  readonly published: number | null;
}

/** What can be prepared by name. */
export const DATA_SETS: readonly string[] = [...NATIVE_SETS, "folder"];

/**
 * Says what is wrong with the name of a data set or a configuration, and its root.
 *
 * @returns Null if nothing is.
 */
export function unknownDataSet(name: string, root: string | undefined): string | null {
  if (/\.ya?ml$/i.test(name)) return null;
  if (!DATA_SETS.includes(name)) {
    return `Cannot prepare "${name}": known are ${DATA_SETS.join(", ")} and ` +
      `configurations, which end in .yaml${suggestion(name, DATA_SETS)}`;
  }
  if (root !== undefined) return null;
  return `Cannot prepare "${name}": name its folder too, as in: deno task prepare ${name} ` +
    "/data/" + name;
}

/** The splits of a configuration, in the order in which a run opens them. */
export function partsOfConfig(config: RunConfig, cacheFolder: string | null): Part[] {
  const { source, target } = loaderSpec(config, cacheFolder);
  const evaluations = [...evaluationSpecs(config.data, cacheFolder)].map((
    [name, spec],
  ): Part => part(`evaluation ${name}`, spec, "evaluation"));
  return [
    part("source", source, "training"),
    ...(target === null ? [] : [part("target", target, "training")]),
    ...evaluations,
  ];
}

/** The splits of a data set as it was downloaded, or of a folder data set. */
export async function partsOfSet(
  name: string,
  root: string,
  cacheFolder: string | null,
): Promise<Part[]> {
  const native = (set: NativeSet, split: string | null, list: string | null = null) => ({
    kind: "native" as const,
    set,
    root,
    split,
    list,
    include: ["*"],
    labelled: true,
    cacheFolder,
  });
  switch (name) {
    case "cityscapes":
      return [
        part("train", native("cityscapes", "train"), "training"),
        part("val", native("cityscapes", "val"), "evaluation"),
        part(
          "test",
          { ...native("cityscapes", "test"), labelled: false },
          "training",
          "the test split is not there; no configuration needs it",
        ),
      ];
    case "voc":
      return [
        part("train", native("voc", "train"), "training"),
        part("val", native("voc", "val"), "evaluation"),
        part(
          "further labels",
          native("voc", null, "pascal/1464/unlabeled"),
          "training",
          "the labels of the further 9118 pictures (SegmentationClassAug or SBD) are not " +
            "there; training on more than the first 1464 with labels needs them",
        ),
      ];
    case "gta5":
    case "synthia":
      return [part("all", native(name, null), "training")];
  }
  const isFolder = name === "folder" || await isFolderSet(root, cacheFolder);
  if (!isFolder) return [part("all", native("camvid", null), "training")];
  const classes = name === "camvid" ? CAMVID_CLASSES : NUMBERED;
  return (await splitsOf(root, cacheFolder)).map((split) =>
    part(
      split,
      {
        kind: "folder",
        root,
        split,
        classes,
        labelled: true,
        include: ["*"],
        list: null,
        cacheFolder,
      },
      /^train/i.test(split) ? "training" : "evaluation",
    )
  );
}

/** Classes of a folder that says nothing about them: the colours are those of VOC's ids. */
export const NUMBERED: readonly ClassInfo[] = Array.from({ length: 255 }, (_, id) => {
  const color: [number, number, number] = [0, 0, 0];
  for (let bits = id, shift = 7; bits > 0; bits >>= 3, shift--) {
    for (let c = 0; c < 3; c++) color[c] = (color[c] ?? 0) | ((bits >> c & 1) << shift);
  }
  return { name: `value ${id}`, color };
});

function part(
  name: string,
  spec: DataSpec,
  use: Part["use"],
  ifAbsent: string | null = null,
): Part {
  return { name, spec, use, ifAbsent, published: publishedOf(spec) };
}

function publishedOf(spec: DataSpec): number | null {
  if (spec.kind !== "native" || (spec.include ?? ["*"]).join() !== "*") return null;
  if ((spec.list ?? null) !== null) return null;
  return PUBLISHED[spec.set].pictures[spec.split ?? ""] ?? null;
}

async function isFolderSet(root: string, cacheFolder: string | null): Promise<boolean> {
  const { source } = await openSource({ root, cacheFolder });
  return await source.locate(["images"]) !== null &&
    await source.locate(["labels"]) !== null;
}

async function splitsOf(root: string, cacheFolder: string | null): Promise<string[]> {
  const { source } = await openSource({ root, cacheFolder });
  const splits = (await source.children("images") ?? [])
    .filter((name) => !name.startsWith(".") && !/\.[a-z0-9]+$/i.test(name)).sort();
  if (splits.length > 0) return splits;
  throw new RangeError(
    `Cannot find a data set in "${root}": a folder data set is ` +
      '"images/<split>/<stem>.jpg" and "labels/<split>/<stem>.png"; other names are for a ' +
      'configuration with "data.files"',
  );
}

/** Where to get what is missing of a part; null where nobody knows. */
export const sourceOf = ({ spec }: Part): string | null =>
  spec.kind === "native" ? PUBLISHED[spec.set].source : null;
