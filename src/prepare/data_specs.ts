/** From a configuration to descriptions of data sets and loaders. @module */
import {
  type CocoDataConfig,
  type DataConfig,
  type FolderDataConfig,
  type FolderSplitConfig,
  type LabelmeDataConfig,
  type NativeDataConfig,
  nativeDataRoot,
  type NativeSplitConfig,
  requireDataRoot,
  sbdRoot,
} from "../config/data.ts";
import { lookAheadWidth, usesTarget } from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import type { ClassInfo, PixelFormat } from "../core/host_batch.ts";
import { NATIVE_CLASSES } from "../data/native_classes.ts";
import type { DataSpec } from "../data/data_spec.ts";
import { EMBEDDED_CLASSES } from "../data/embedded/classes.ts";
import type { LoaderSpec } from "../data/loader.ts";
import { expandHome } from "../io/home_folder.ts";

// Evaluation scenes of the embedded set are numbered from here: training never meets them.
const FIRST_EVALUATION_SCENE = 1_000_000;

/** Channels and bits of the images of a run. */
export const pixelFormatOf = ({ channels, bitDepth }: DataConfig): PixelFormat => ({
  channels,
  bitDepth,
});

/** The classes of a data set, in the order of their ids. */
export function classesOf(data: DataConfig): readonly ClassInfo[] {
  switch (data.kind) {
    case "embedded":
      return EMBEDDED_CLASSES;
    case "native":
      return NATIVE_CLASSES[data.source.set];
    case "folder":
    case "coco":
    case "labelme":
      return data.classes;
  }
}

/** Describes the loader of a run. @throws {RangeError} If a root is needed and open. */
export function trainingLoaderSpec(
  config: RunConfig,
  cacheFolder: string | null,
): LoaderSpec {
  const { data, method, seed } = config;
  const { batchSize, rareClassSampling, numWorkers, normalization, padding } = data;
  const { randomScaleDistribution, augmentation } = data;
  const { resize, sourceResize, cropSize, randomScale, flipProbability, catMaxRatio } =
    data;
  const futureCount = lookAheadWidth(method);
  const targetMargins = method.name === "self-training"
    ? method.pseudoLabel.ignoreMargins
    : null;
  return {
    seed,
    source: trainingSpec(data, "source", cacheFolder),
    target: data.target && usesTarget(method)
      ? trainingSpec(data, "target", cacheFolder)
      : null,
    batchSize,
    accumulationSteps: config.optimizer.accumulationSteps,
    futureBatches: futureCount > 1 ? futureCount : 0,
    iterations: config.iterations,
    resize,
    sourceResize,
    cropSize,
    randomScale,
    randomScaleDistribution,
    padding,
    flipProbability,
    augmentation,
    catMaxRatio,
    normalization,
    targetMargins,
    rareClassSampling,
    numWorkers,
    cacheFolder,
  };
}

/** Describes the data sets of the named evaluations, in their order. */
export function evaluationSpecs(
  data: DataConfig,
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
  data: DataConfig,
  name: string,
  cacheFolder: string | null,
): DataSpec {
  if (data.kind === "embedded") {
    const split = ownValue(data.evaluations, name);
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
      labeled: true,
      firstScene: FIRST_EVALUATION_SCENE,
    };
  }
  if (data.kind === "native") {
    const [first = data.source] = Object.values(data.evaluations);
    const split = ownValue(data.evaluations, name) ??
      { ...first, split: name, include: ["*"], list: null };
    return nativeSpec(data, split, true, cacheFolder);
  }
  const split = ownValue(data.evaluations, name) ??
    { split: name, include: ["*"], list: null };
  return folderSpec(data, split, true, cacheFolder);
}

// Every object has a "constructor" that it does not own.
const ownValue = <Value>(
  all: Readonly<Record<string, Value>>,
  name: string,
): Value | undefined => Object.hasOwn(all, name) ? all[name] : undefined;

function trainingSpec(
  data: DataConfig,
  domain: "source" | "target",
  cacheFolder: string | null,
): DataSpec {
  const labeled = domain === "source";
  if (data.kind === "embedded") {
    return {
      kind: "embedded",
      ...(data[domain] ?? data.source),
      size: data.size,
      labeled,
    };
  }
  if (data.kind === "native") {
    return nativeSpec(data, data[domain] ?? data.source, labeled, cacheFolder);
  }
  return folderSpec(data, data[domain] ?? data.source, labeled, cacheFolder);
}

function folderSpec(
  data: FolderDataConfig | CocoDataConfig | LabelmeDataConfig,
  split: FolderSplitConfig,
  labeled: boolean,
  cacheFolder: string | null,
): DataSpec {
  const { classes, listFolder } = data;
  const root = expandHome(requireDataRoot(data));
  const pixelFormat = pixelFormatOf(data);
  const common = {
    ...split,
    root,
    classes,
    listFolder,
    pixelFormat,
    labeled,
    cacheFolder,
  };
  switch (data.kind) {
    case "folder":
      return { kind: "folder", ...common, files: data.files, labelMap: data.labelMap };
    case "coco": {
      const { files, categoryMap, background, crowd } = data;
      return { kind: "coco", ...common, files, categoryMap, background, crowd };
    }
    case "labelme": {
      const { files, categoryMap, background } = data;
      return { kind: "labelme", ...common, files, categoryMap, background };
    }
  }
}

function nativeSpec(
  data: NativeDataConfig,
  split: NativeSplitConfig,
  labeled: boolean,
  cacheFolder: string | null,
): DataSpec {
  const root = expandHome(nativeDataRoot(data, split));
  const sbdFolder = sbdRoot(data, split);
  const sbd = sbdFolder && expandHome(sbdFolder);
  const { listFolder } = data;
  const pixelFormat = pixelFormatOf(data);
  const place = { root, sbd, listFolder, cacheFolder, pixelFormat };
  return { kind: "native", ...split, ...place, labeled };
}
