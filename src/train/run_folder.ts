/** The folder of a run: how a run starts in it or goes on, and its result. @module */
import { parseConfig } from "../config/read.ts";
import type { RunConfig } from "../config/schema.ts";
import type { BackendInfo, EngineInfo } from "../core/backend.ts";
import { rankCount } from "../core/ranks.ts";
import { versions } from "../core/versions.ts";
import * as z from "../core/zod.ts";
import { publishedSubsets, subsetMetrics } from "../evaluate/class_subsets.ts";
import {
  type Evaluations,
  type NamedResult,
  primaryResults,
} from "../evaluate/evaluate_network.ts";
import { errorReason, fileReadError, isNotFound } from "../io/file_errors.ts";
import { removeDrafts, writeAtomic } from "../io/write_atomic.ts";
import { LOCK_FILE, type RunLock, unusableFolderError } from "./run_lock.ts";
import type { DataSpec, FileDataSpec } from "../data/data_spec.ts";
import { listCopyPath, readList } from "../data/selection.ts";
import type { RunFolder } from "./run_files.ts";
import { basename, dirname, isAbsolute, join } from "node:path";

/**
 * Makes the folders in it, and removes what processes left there that were killed while they
 * wrote.
 *
 * @throws {Error} If they cannot be made, e.g. because a file is in the way.
 */
export async function prepareRunFolder(folder: RunFolder): Promise<void> {
  const { path, pictures, lists } = folder;
  for (const one of [path, pictures, lists]) await removeDrafts(one, 0);
  await Deno.mkdir(pictures, { recursive: true }).catch((error) => {
    throw unusableFolderError(path, error);
  });
}

/**
 * Reads the lists of data sets.
 *
 * @returns Their texts, by the paths of their copies in the run's folder.
 */
export async function readLists(
  { lists }: RunFolder,
  specs: Iterable<DataSpec | null>,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const spec of specs) {
    if (spec === null || spec.kind === "embedded" || !spec.list) continue;
    texts.set(listCopyPath(lists, spec.list), await readList(spec, rootOf(spec)));
  }
  return texts;
}

const rootOf = (spec: FileDataSpec): string =>
  spec.root.replaceAll("{split}", spec.split ?? "{split}");

/**
 * Copies lists into the run's folder.
 *
 * @returns The paths of copies whose lists have changed since they were made.
 */
export async function writeLists(texts: ReadonlyMap<string, string>): Promise<string[]> {
  const changed: string[] = [];
  for (const [path, text] of texts) {
    if (await pathExists(path)) {
      if (await Deno.readTextFile(path) === text) continue;
      changed.push(path);
    }
    await Deno.mkdir(dirname(path), { recursive: true });
    await writeTextAtomic(path, text);
  }
  return changed;
}

/**
 * Makes sure that what is in a folder may be put aside: a run, or nothing.
 *
 * @throws {Error} If there is something else, which is not ours to move.
 */
export async function assertReplaceable(
  { path, config, lastCheckpoint, summary, ...others }: RunFolder,
): Promise<void> {
  if (!await pathExists(path)) return;
  for (const file of [config, lastCheckpoint, summary]) {
    if (await pathExists(file)) return;
  }
  const ours = [LOCK_FILE, ...Object.values(others).map((one) => basename(one))];
  for await (const { name } of Deno.readDir(path)) {
    if (ours.includes(name)) continue; // of a start that was killed
    throw new Error(
      `Cannot start over in "${path}": it holds "${name}" and is not the folder of a run; ` +
        "choose another folder with --out",
    );
  }
}

/**
 * Moves the run in a folder out of the way, under a name that is free. What is cached about
 * data sets stays.
 *
 * @returns The new name, or null if there was no run.
 */
export async function moveOldRun(
  { path, cache, config, lastCheckpoint, summary }: RunFolder,
  runLock: RunLock,
): Promise<string | null> {
  const isThere = await Promise.all([config, lastCheckpoint, summary].map(pathExists));
  if (!isThere.includes(true)) return null;
  for (let n = 1;; n++) {
    const name = join(dirname(path), `${basename(path)}.old${n}`);
    if (await pathExists(name)) continue;
    await runLock.moveFolder(name);
    const oldCache = join(name, basename(cache));
    if (await pathExists(oldCache)) await Deno.rename(oldCache, cache);
    return name;
  }
}

/** Undoes {@linkcode moveOldRun}, for a start that has failed. */
export async function moveOldRunBack(
  { cache }: RunFolder,
  name: string,
  runLock: RunLock,
): Promise<void> {
  if (await pathExists(cache)) await Deno.rename(cache, join(name, basename(cache)));
  await runLock.moveFolderBack(name);
}

/** Whether there is a file or folder of this name. */
export async function pathExists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    const reason = error instanceof Deno.errors.NotADirectory
      ? "a file is in the way"
      : errorReason(error);
    throw new Error(
      `Cannot use "${dirname(path)}" as the folder of a run: ${reason}; choose another ` +
        "folder with --out",
      { cause: error },
    );
  }
}

/** Writes a text file whole or not at all. */
export async function writeTextAtomic(path: string, text: string): Promise<void> {
  await writeAtomic(path, [new TextEncoder().encode(text)]);
}

// What may differ between the parts of one run: it changes no number of it.
const KEYS_WITHOUT_EFFECT = [
  "logging",
  "data.numWorkers",
  "evaluation",
  "method.lookAhead.reuse",
  "model.activationCheckpointing",
  "replay",
];

/** Folders may move between the parts of a run. */
const ROOT_PATHS = /^data\.(.+\.)?(root|sbd|listFolder)$/;

/** Lists may move too; earlier versions stored their whole paths. */
const LIST_PATHS = /^data\.(source|target|evaluations\.[^.]+)\.list$/;
const isSameList = (a: unknown, b: unknown) =>
  typeof a === "string" && typeof b === "string" &&
  (isAbsolute(a) || isAbsolute(b)) && basename(a) === basename(b);

/** Paths of the values that would change a run, e.g. "optimizer.learningRate". */
export function differingKeys(a: RunConfig, b: RunConfig): string[] {
  return differingLeaves(a, b, "").filter((path) =>
    !ROOT_PATHS.test(path) &&
    !KEYS_WITHOUT_EFFECT.some((key) => path === key || path.startsWith(`${key}.`))
  );
}

/**
 * Refuses to go on with a run under another configuration.
 *
 * @param path The run's folder, for the message.
 * @throws {Error} Naming every value that differs.
 */
export function assertSameRun(path: string, saved: RunConfig, config: RunConfig): void {
  const keys = differingKeys(saved, config);
  if (keys.length === 0) return;
  throw new Error(
    `Cannot go on with the run in "${path}": it has other values of ${
      keys.join(", ")
    }; choose another folder with --out, or start over with --fresh`,
  );
}

function differingLeaves(a: unknown, b: unknown, path: string): string[] {
  if (isRecord(a) && isRecord(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].flatMap((key) =>
      differingLeaves(a[key], b[key], path === "" ? key : `${path}.${key}`)
    );
  }
  const isSame = JSON.stringify(a) === JSON.stringify(b) ||
    (LIST_PATHS.test(path) && isSameList(a, b));
  return isSame ? [] : [path];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What `summary.json` holds. */
export interface RunSummary {
  /** The complete configuration. */
  readonly config: RunConfig;
  /** The backend that computed it. */
  readonly backend: string;
  /** The device. */
  readonly adapter: string;
  /** What computed this process's share of the run; runs of earlier versions do not say. */
  readonly engine?: EngineInfo;
  /** How many processes computed that share together; absent: one. */
  readonly ranks?: number;
  /** Of the whole run: those that were done. */
  readonly iterations: number;
  /** Why they are fewer than the configuration says; absent: they are not. */
  readonly stopped?: string;
  /** Mean over this process's share of the run, without evaluation and saving. */
  readonly secondsPerIteration: number;
  /** The network that `evaluation` is about. */
  readonly primaryNetwork: "student" | "teacher";
  /** Metrics of the primary network on the first evaluation. */
  readonly evaluation: NamedResult;
  /** Metrics of the student on every evaluation. */
  readonly student: readonly NamedResult[];
  /** Metrics of the teacher on every evaluation. */
  readonly teacher: readonly NamedResult[];
  /** Of everything that computes, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Puts a summary together. */
export function summarize(
  config: RunConfig,
  { name, adapter, engine }: BackendInfo,
  evaluations: Evaluations,
  { iterations, secondsPerIteration, stopped }: {
    readonly iterations: number;
    readonly secondsPerIteration: number;
    /** Why it has ended early; null: it has not. */
    readonly stopped: string | null;
  },
): RunSummary {
  const namedResults = (results: Evaluations["student"]): NamedResult[] =>
    [...results].map(([split, result]) => ({
      split,
      ...result,
      subsets: publishedSubsets(config, result.classes).map((subset) =>
        subsetMetrics(subset, result.classes)
      ),
    }));
  const { student, teacher, primaryNetwork } = evaluations;
  const [evaluation] = namedResults(primaryResults(evaluations));
  if (evaluation === undefined) {
    throw new RangeError("Cannot summarize: nothing was evaluated");
  }
  return {
    config,
    backend: name,
    adapter,
    engine,
    ...rankCount() > 1 && { ranks: rankCount() },
    iterations,
    ...stopped !== null && { stopped },
    secondsPerIteration,
    primaryNetwork,
    evaluation,
    student: namedResults(student),
    teacher: namedResults(teacher),
    versions: versions(),
  };
}

/**
 * The summary of a run that is finished.
 *
 * @returns Null if the folder holds no finished run.
 * @throws {Error} If it is the result of another configuration.
 */
export async function readSummary(
  { path, summary, config: configFile }: RunFolder,
  config: RunConfig,
): Promise<RunSummary | null> {
  if (await pathExists(configFile)) {
    const saved = parseConfig(await Deno.readTextFile(configFile), configFile);
    assertSameRun(path, saved, config);
  }
  if (!await pathExists(summary)) return null;
  const { evaluations, judged, ...rest } = await readSummaryFile(summary);
  return { config, student: evaluations, primaryNetwork: judged, ...rest } as RunSummary;
}

/**
 * Whether a run that has stopped early goes on: it does where early stopping is set
 * otherwise than when it stopped.
 */
export function goesOnAfterStop(
  { config: { evaluation: before }, stopped }: RunSummary,
  { evaluation: now }: RunConfig,
): boolean {
  const rules = ({ earlyStopping, best }: RunConfig["evaluation"]) =>
    JSON.stringify([earlyStopping, best]);
  return stopped !== undefined && rules(before) !== rules(now);
}

/** Written by this module, whole or not at all; version 0.1.0 had two other names. */
type SavedSummary = Partial<RunSummary> & {
  readonly evaluations?: RunSummary["student"];
  readonly judged?: RunSummary["primaryNetwork"];
};

/** What is shown of it, which somebody may have edited. */
const SummarySchema = z.looseObject({
  evaluation: z.looseObject({
    split: z.string(),
    classes: z.array(z.looseObject({ name: z.string() })),
    subsets: z.array(z.unknown()).default([]),
  }),
  stopped: z.string().optional(),
});

async function readSummaryFile(path: string): Promise<SavedSummary> {
  const text = await Deno.readTextFile(path).catch((error) => {
    throw fileReadError(path, error);
  });
  try {
    return SummarySchema.parse(JSON.parse(text)) as unknown as SavedSummary;
  } catch (cause) {
    throw new SyntaxError(
      `Cannot use "${path}": it is damaged: remove it, and the run is evaluated again`,
      { cause },
    );
  }
}
