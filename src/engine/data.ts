/** From a configuration to descriptions of data sets and loaders. @module */
import { folderRoot } from "../config/data.ts";
import { usesTarget, widthOf } from "../config/method.ts";
import {
  type NativeData,
  nativeRoot,
  nativeSbd,
  type NativeSplit,
} from "../config/native_data.ts";
import type { RunConfig } from "../config/schema.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import { NATIVE_CLASSES } from "../core/known_classes.ts";
import type { DataSpec } from "../data/data_set.ts";
import { EMBEDDED_CLASSES } from "../data/embedded.ts";
import type { LoaderSpec } from "../data/loader.ts";

type Data = RunConfig["data"];

// Evaluation scenes of the embedded set are numbered from here: training never meets them.
const FIRST_EVALUATION_SCENE = 1_000_000;

/** The classes of a data set, in the order of their ids. */
export function classesOf(data: Data): readonly ClassInfo[] {
  switch (data.kind) {
    case "embedded":
      return EMBEDDED_CLASSES;
    case "native":
      return NATIVE_CLASSES[data.source.set];
    case "folder":
      return data.classes;
  }
}

/** Describes the loader of a run. @throws {RangeError} If a root is needed and open. */
export function loaderSpec(config: RunConfig, cacheFolder: string | null): LoaderSpec {
  const { data, method, seed } = config;
  const { batch, rareClasses, workers } = data;
  const { resize, sourceResize, crop, flip, largestClassShare } = data;
  const { randomScale, padding } = data;
  const width = widthOf(method);
  return {
    seed,
    source: trainingSpec(data, "source", cacheFolder),
    target: data.target && usesTarget(method)
      ? trainingSpec(data, "target", cacheFolder)
      : null,
    batch,
    futures: width > 1 ? width : 0,
    resize,
    sourceResize,
    crop,
    randomScale,
    padding,
    flip,
    largestClassShare,
    normalisation: data.normalisation,
    rareClasses,
    workers,
    cacheFolder,
  };
}

/** Describes the data sets of the named evaluations, in their order. */
export function evaluationSpecs(
  data: Data,
  cacheFolder: string | null,
): Map<string, DataSpec> {
  return new Map(
    Object.keys(data.evaluations).map((name) => [
      name,
      evaluationSpec(data, name, cacheFolder),
    ]),
  );
}

/**
 * Describes the data set of one evaluation.
 *
 * @param name One of the configuration's evaluations, or a split of the data set that the
 * first of them is of.
 * @param cacheFolder Where it is kept what is where in archives; null for nowhere.
 * @throws {RangeError} If an embedded data set has no evaluation of this name.
 */
export function evaluationSpec(
  data: Data,
  name: string,
  cacheFolder: string | null,
): DataSpec {
  if (data.kind === "embedded") {
    const split = data.evaluations[name];
    if (split === undefined) {
      const known = Object.keys(data.evaluations).join(", ");
      throw new RangeError(
        `Cannot evaluate on "${name}": the configuration names ${known}`,
      );
    }
    const { size } = data;
    return {
      kind: "embedded",
      ...split,
      size,
      labelled: true,
      first: FIRST_EVALUATION_SCENE,
    };
  }
  if (data.kind === "native") {
    const [first = data.source] = Object.values(data.evaluations);
    const split = data.evaluations[name] ??
      { ...first, split: name, include: ["*"], list: null };
    return nativeSpec(data, split, true, cacheFolder);
  }
  const split = data.evaluations[name] ?? { split: name, include: ["*"], list: null };
  return { kind: "folder", ...split, ...folderParts(data), labelled: true, cacheFolder };
}

function trainingSpec(
  data: Data,
  domain: "source" | "target",
  cacheFolder: string | null,
): DataSpec {
  const labelled = domain === "source";
  if (data.kind === "embedded") {
    return {
      kind: "embedded",
      ...(data[domain] ?? data.source),
      size: data.size,
      labelled,
    };
  }
  if (data.kind === "native") {
    return nativeSpec(data, data[domain] ?? data.source, labelled, cacheFolder);
  }
  const split = data[domain] ?? data.source;
  return { kind: "folder", ...split, ...folderParts(data), labelled, cacheFolder };
}

function folderParts(data: Extract<Data, { kind: "folder" }>) {
  const { classes, labels, files } = data;
  return { root: folderRoot(data), classes, labels, files };
}

function nativeSpec(
  data: NativeData,
  split: NativeSplit,
  labelled: boolean,
  cacheFolder: string | null,
): DataSpec {
  const root = nativeRoot(data, split);
  const sbd = nativeSbd(data, split);
  return { kind: "native", ...split, root, sbd, labelled, cacheFolder };
}
