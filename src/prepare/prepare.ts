/** Checks a data set before a run. @module */
import { loadConfig } from "../config/read.ts";
import type { RunConfig } from "../config/schema.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import { fileDataSet } from "../data/file_data_set.ts";
import {
  findImageOverlap,
  sharedImagesNote,
  unlabeledOverlapNote,
} from "../data/overlap.ts";
import { hardwareThreads } from "../data/scan.ts";
import { createThumbnail, type Thumbnail } from "../data/pipelines.ts";
import { cachedResult } from "../io/cached_result.ts";
import { expandHome } from "../io/home_folder.ts";
import { type OpenSplit, type PreparedSplit, prepareSplit } from "./prepare_split.ts";
import { cropPicturesProblem, trainingCropPictures } from "./training_crops.ts";
import {
  dataSetNameProblem,
  downloadHint,
  isConfigFile,
  splitsOfConfig,
  splitsOfDataSet,
  type SplitToPrepare,
} from "./splits_to_prepare.ts";

/** What was found about a data set, or about all of a configuration. */
export interface PreparationReport {
  /** Of the data set, or the configuration's file. */
  readonly dataset: string;
  /** Where results and class statistics are kept; null: nowhere. */
  readonly cache: string | null;
  /** In the order in which they were checked. */
  readonly splits: readonly PreparedSplit[];
  /** About more than one split, a sentence each. */
  readonly notes: readonly string[];
  /** All of them, each with the name of its split; a sentence each. */
  readonly problems: readonly { readonly split: string; readonly message: string }[];
}

/** How {@linkcode prepare} works. */
export interface PrepareOptions {
  /** The data set's folder, archive or address; of a configuration: its `data.root`. */
  readonly root?: string | undefined;
  /** Values in place of a configuration's, as `path.to.key=value`. */
  readonly overrides?: readonly string[];
  /** Where results are kept, the only folder that is written to; null for nowhere. */
  readonly cache: string | null;
  /** Threads. @default {all cores} */
  readonly workers?: number | undefined;
  /** Called with how many images of a split have been checked. */
  readonly progress?: (split: string, done: number, of: number) => void;
  /** Ends it; what was found so far is lost. */
  readonly signal?: AbortSignal;
}

/** A preparation and samples of what was prepared. */
export interface PreparedDataSet {
  /** What was found. */
  readonly report: PreparationReport;
  /**
   * Evenly spread samples of the labeled splits; those that cannot be read are left out.
   *
   * @param count Of all splits together, at most; 12 unless given.
   * @param width In pixels, at most; 240 unless given.
   */
  samplePictures(count?: number, width?: number): Promise<SplitPictures[]>;
  /**
   * The labeled crops of the first iterations of a run, augmented, as the network gets them.
   *
   * @param count 12 unless given.
   * @param width In pixels, at most; 240 unless given.
   * @throws {RangeError} If no configuration was prepared.
   */
  cropPictures(count?: number, width?: number): Promise<SplitPictures>;
}

/**
 * Checks a data set, or all those of a configuration, counts its classes and keeps what it
 * found, so that the same call is quick the next time and training need not count.
 *
 * @param dataset One of `DATA_SETS`, or a configuration's file.
 * @throws {RangeError} If nothing is known by that name, or it has no root.
 */
export async function prepare(
  dataset: string,
  { root, overrides = [], cache, workers = hardwareThreads(), ...options }:
    PrepareOptions,
): Promise<PreparedDataSet> {
  const unknown = dataSetNameProblem(dataset, root);
  if (unknown !== null) throw new RangeError(unknown);
  const { progress = () => {}, signal } = options;
  const isConfig = isConfigFile(dataset);
  const config = isConfig ? await configOf(dataset, root, overrides) : null;
  const splits = config === null
    ? await splitsToPrepare(dataset, root, overrides, cache)
    : splitsOfConfig(config, cache);

  const prepared: PreparedSplit[] = [];
  const openSplits: OpenSplit[] = [];
  const checkedNow = new Set<string>();
  for (const split of splits) {
    const { found, open } = await prepareSplit(split, {
      cacheFolder: cache,
      workers,
      signal,
      progress: (done, of) => progress(split.name, done, of),
    });
    // Two splits of one set: the second finds in the cache what the first has just left.
    const isCached = found.isCached && !(open && checkedNow.has(open.fingerprint));
    prepared.push({ ...found, isCached });
    if (open === null) continue;
    openSplits.push(open);
    if (!found.isCached) checkedNow.add(open.fingerprint);
  }
  const { notes, problems } = await findOverlaps(openSplits, isConfig, cache);
  const trainingSplit = (name: string) => {
    const open = isConfig
      ? openSplits.find(({ split }) => split.name === name)
      : undefined;
    if (open === undefined) return null;
    return { spec: open.split.spec, names: open.set.samples.map(({ name }) => name) };
  };
  const [labeled, unlabeled] = [trainingSplit("source"), trainingSplit("target")];
  const note = labeled && unlabeled && unlabeledOverlapNote(labeled, unlabeled);
  return {
    report: {
      dataset,
      cache,
      splits: prepared,
      notes: [...notes, ...(note ? [note] : []), ...downloadHints(splits, prepared)],
      problems: withoutRepeats([
        ...prepared.flatMap(({ name, problems }) =>
          problems.map((message) => ({ split: name, message }))
        ),
        ...problems,
      ]),
    },
    samplePictures: (count = 12, width = 240) => samplePictures(openSplits, count, width),
    async cropPictures(count = 12, width = 240) {
      if (config === null) {
        throw new RangeError(cropPicturesProblem(dataset) ?? undefined);
      }
      const pictures = await trainingCropPictures(config, cache, count, width);
      return { split: "crop", ...pictures };
    },
  };
}

function configOf(
  file: string,
  root: string | undefined,
  overrides: readonly string[],
): Promise<RunConfig> {
  const given = root === undefined ? [] : [`data.root=${JSON.stringify(root)}`];
  return loadConfig(file, [...overrides, ...given]);
}

async function splitsToPrepare(
  dataset: string,
  root: string | undefined,
  overrides: readonly string[],
  cache: string | null,
): Promise<SplitToPrepare[]> {
  if (overrides.length > 0) {
    throw new RangeError(
      `Cannot set "${overrides[0]}": "${dataset}" is no configuration`,
    );
  }
  return await splitsOfDataSet(dataset, expandHome(root ?? ""), cache);
}

// Two splits of a folder that is not there say the same.
function withoutRepeats<One extends { readonly message: string }>(
  problems: readonly One[],
): One[] {
  const firstIndex = new Map(
    problems.toReversed().map((one, i) => [one.message, problems.length - 1 - i]),
  );
  return problems.filter(({ message }, i) => firstIndex.get(message) === i);
}

function downloadHints(
  splits: readonly SplitToPrepare[],
  prepared: readonly PreparedSplit[],
): string[] {
  const incomplete = splits.filter((_, i) =>
    prepared[i]?.folder === null ||
    prepared[i]?.problems.some((one) => /is missing$|is not in "/.test(one))
  );
  return [...new Set(incomplete.map(downloadHint).filter((one) => one !== null))];
}

/** What was found; a sentence each. */
export interface SplitOverlaps {
  readonly notes: readonly string[];
  readonly problems: readonly { readonly split: string; readonly message: string }[];
}

/**
 * Compares the splits for training with those for evaluation.
 *
 * @param isConfig A configuration may mean to score on what it trains on: a note.
 * @param cacheFolder Where it is kept what was compared; null for nowhere.
 */
export async function findOverlaps(
  sets: readonly OpenSplit[],
  isConfig: boolean,
  cacheFolder: string | null,
): Promise<SplitOverlaps> {
  const notes: string[] = [];
  const problems: { split: string; message: string }[] = [];
  const splitsFor = (use: OpenSplit["split"]["use"]) =>
    sets.filter(({ split }) => split.use === use);
  for (const training of splitsFor("training")) {
    for (const evaluation of splitsFor("evaluation")) {
      const { value: { sameFile, duplicates } } = await cachedResult(
        cacheFolder,
        "overlap",
        JSON.stringify([training.fingerprint, evaluation.fingerprint]),
        () => findImageOverlap(training.set, evaluation.set),
      );
      const [a, b] = [training.split.name, evaluation.split.name];
      for (const name of duplicates) {
        problems.push({
          split: b,
          message: `The picture "${name}" of "${b}" has a copy in "${a}": scores on ` +
            "images the network was trained on are too good",
        });
      }
      if (sameFile.length === 0) continue;
      const message = sharedImagesNote({ training: a, evaluation: b }, sameFile);
      if (isConfig) notes.push(message);
      else problems.push({ split: b, message: `Splits overlap: ${message}` });
    }
  }
  return { notes, problems };
}

/** Small pictures of a split, with their labels. */
export interface SplitPictures {
  /** Its name. */
  readonly split: string;
  /** In the order of their ids. */
  readonly classes: readonly ClassInfo[];
  /** Spread evenly over the split. */
  readonly thumbnails: readonly Thumbnail[];
}

/** See `PreparedDataSet.samplePictures`. */
export async function samplePictures(
  sets: readonly OpenSplit[],
  count: number,
  width: number,
): Promise<SplitPictures[]> {
  const labeled = sets.filter(({ set }) => set.labeled && set.samples.length > 0);
  const perSplit = Math.max(1, Math.floor(count / Math.max(1, labeled.length)));
  return await Promise.all(
    labeled.slice(0, count).map(async ({ split, set }) => {
      const dataSet = fileDataSet(set);
      const thumbnails: Thumbnail[] = [];
      const sampleCount = Math.min(perSplit, set.samples.length);
      for (let i = 0; i < sampleCount; i++) {
        const index = Math.floor((i + 0.5) * set.samples.length / sampleCount);
        const sample = await dataSet.read(index).catch(() => null);
        if (sample !== null) thumbnails.push(createThumbnail(sample, width));
      }
      return { split: split.name, classes: set.classes, thumbnails };
    }),
  );
}
