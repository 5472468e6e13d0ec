/**
 * A run's folder as it changes: what another process writes into it, read a little at a
 * time. Nothing that is in a folder, or is missing in it, makes a reading fail.
 *
 * @module
 */
import { parseDocument } from "../core/yaml.ts";
import {
  fileReadError,
  isMissingPath,
  isNotFound,
  statOrNull,
} from "../io/file_errors.ts";
import {
  type EvaluationLine,
  isStopLine,
  type LogLine,
  parseEvaluationLine,
  parseLogLine,
  pictureIterations,
  picturePath,
  runFolder,
} from "../train/run_files.ts";
import { join, resolve, sep } from "node:path";

/** Lines of a log that take the place of those from an index on. */
export interface LineChange<Line> {
  /** How many of the lines before are kept. */
  readonly from: number;
  readonly lines: readonly Line[];
}

/** A panel: its iteration, and when it was written in milliseconds, which names a version. */
export interface PictureVersion {
  readonly iteration: number;
  readonly version: number;
}

/** What has changed in a run; what is left out is as before. */
export interface RunChange {
  /** Of the run among those that are shown. */
  readonly id: number;
  readonly name: string;
  /** As it was given. */
  readonly path: string;
  readonly status: "waiting" | "training" | "finished" | "gone";
  /** A sentence about what cannot be shown; null: all can. */
  readonly problem: string | null;
  /** Seconds since something was written. */
  readonly quietSeconds: number;
  /** The text of `config.yaml`. */
  readonly config?: string;
  /** What it says; null: it is no YAML. */
  readonly settings?: unknown;
  readonly log?: LineChange<LogLine>;
  readonly evaluations?: LineChange<EvaluationLine>;
  readonly pictures?: readonly PictureVersion[];
}

/** A run that is watched. */
export interface RunWatch {
  readonly id: number;
  /** Looks for news; null: there are none. */
  refresh(): Promise<RunChange | null>;
  /** All that is known. */
  snapshot(): RunChange;
  /** The bytes of a panel; null if there is none that may be shown. */
  readPicture(iteration: number): Promise<Uint8Array<ArrayBuffer> | null>;
}

/** A file that leads somewhere else is not the run's. */
class OutsideError extends Error {}

/** Starts to watch a folder, which need not exist yet. */
export function watchRun(id: number, path: string, name: string): RunWatch {
  const folder = runFolder(path);
  const log = followLines(path, folder.log, parseLogLine, isStopLine);
  const evaluations = followLines(path, folder.evaluations, parseEvaluationLine);
  let [configTime, picturesTime, summaryTime, changed] = [0, 0, 0, Date.now()];
  /** What a run of an earlier version, which logged no evaluations, ended with. */
  let result: EvaluationLine | null = null;
  let config = "";
  let settings: unknown = null;
  let pictures: readonly PictureVersion[] = [];
  let status: RunChange["status"] = "waiting";
  let problems: readonly string[] = [];

  const base = () => ({
    ...{ id, name, path, status },
    problem: problems[0] ?? null,
    quietSeconds: Math.max(0, (Date.now() - changed) / 1000),
  });
  return {
    id,
    async refresh() {
      const found: string[] = [];
      const attempt = async <T>(file: string, work: () => Promise<T>) => {
        try {
          return await work();
        } catch (error) {
          if (isMissingPath(error)) return null; // it has gone in this moment
          found.push(
            error instanceof OutsideError
              ? error.message
              : fileReadError(file, error).message,
          );
          return null;
        }
      };
      const times = await attempt(path, async () => ({
        folder: await modifiedAt(path),
        config: await modifiedAt(folder.config),
        pictures: await modifiedAt(folder.pictures),
        summary: await modifiedAt(folder.summary),
      }));
      const before = { status, problem: problems[0], config, pictures };
      if (times === null || times.folder === null) {
        status = status === "waiting" ? "waiting" : "gone";
        if (found.length === 0) {
          found.push(
            status === "gone"
              ? `The folder "${path}" is gone: what is shown is the last of it`
              : `Waiting for the run: there is no folder "${path}" yet`,
          );
        }
        problems = found;
        const isNews = before.status !== status || before.problem !== problems[0];
        return isNews ? base() : null;
      }
      status = times.summary === null ? "training" : "finished";
      if (times.config !== null && times.config !== configTime) {
        const text = await attempt(
          folder.config,
          async () => await Deno.readTextFile(await pathInside(path, folder.config)),
        );
        if (text !== null) {
          [config, settings, configTime] = [text, parseYaml(text), times.config];
        }
      }
      const logChange = await attempt(folder.log, log.refresh);
      let evaluationChange = await attempt(folder.evaluations, evaluations.refresh);
      if (evaluations.lines.length > 0) result = null;
      else if (times.summary !== null && times.summary !== summaryTime) {
        result = await attempt(
          folder.summary,
          async () =>
            parseSummary(await Deno.readTextFile(await pathInside(path, folder.summary))),
        );
        summaryTime = times.summary;
        if (result !== null) evaluationChange = { from: 0, lines: [result] };
      }
      if (times.pictures !== null && times.pictures !== picturesTime) {
        const versions = await attempt(folder.pictures, async () => {
          await pathInside(path, folder.pictures);
          const iterations = await pictureIterations(folder);
          return await Promise.all(iterations.map(async (iteration) => ({
            iteration,
            version: await modifiedAt(picturePath(folder, iteration)) ?? 0,
          })));
        });
        if (versions !== null) [pictures, picturesTime] = [versions, times.pictures];
      }
      problems = [...found, ...log.problems(), ...evaluations.problems()];
      const isNews = logChange !== null || evaluationChange !== null ||
        before.status !== status || before.problem !== problems[0] ||
        before.config !== config || before.pictures !== pictures;
      if (!isNews) return null;
      changed = Math.max(log.time(), times.folder, times.pictures ?? 0, configTime);
      return {
        ...base(),
        ...before.config === config ? {} : { config, settings },
        ...before.pictures === pictures ? {} : { pictures },
        ...logChange === null ? {} : { log: logChange },
        ...evaluationChange === null ? {} : { evaluations: evaluationChange },
      };
    },
    snapshot: () => ({
      ...base(),
      ...{ config, settings, pictures },
      log: { from: 0, lines: log.lines },
      evaluations: { from: 0, lines: result === null ? evaluations.lines : [result] },
    }),
    async readPicture(iteration) {
      try {
        const file = await pathInside(path, picturePath(folder, iteration));
        return await Deno.readFile(file);
      } catch {
        return null; // gone, or not the run's
      }
    },
  };
}

interface FollowedLines<Line> {
  /** All that were read, in order. */
  readonly lines: readonly Line[];
  /** Reads what was added; null: nothing. */
  refresh(): Promise<LineChange<Line> | null>;
  /** When the file was last written to, in milliseconds; 0: never. */
  time(): number;
  /** At most one sentence. */
  problems(): string[];
}

/**
 * Reads a file of lines as it grows; a resumed run replaces it by a shorter one.
 *
 * @param isOther Whether what is no such line is none that is damaged.
 */
function followLines<Line>(
  root: string,
  path: string,
  parseOne: (text: string) => Line | null,
  isOther: (text: string) => boolean = () => false,
): FollowedLines<Line> {
  const lines: Line[] = [];
  const decoder = new TextDecoder();
  /** Bytes up to the end of the last whole line, and lines in them. */
  let [offset, count] = [0, 0];
  let file: string | null = null;
  let firstBad: number | null = null;
  let modified = 0;
  return {
    lines,
    async refresh() {
      const info = await statOrNull(path);
      const identity = info && `${info.dev}:${info.ino}:${info.birthtime?.getTime()}`;
      const isReplaced = file !== null &&
        (identity !== file || (info?.size ?? 0) < offset);
      if (isReplaced) {
        [offset, count, lines.length, firstBad] = [0, 0, 0, null];
      }
      file = identity;
      const from = lines.length;
      if (info !== null && info.size > offset) {
        const bytes = await readFrom(await pathInside(root, path), offset);
        // A line may be half written: it is read when its end is there.
        const end = bytes.lastIndexOf(10) + 1;
        const texts = decoder.decode(bytes.subarray(0, end)).split("\n").slice(0, -1);
        for (const text of texts) {
          count++;
          const line = parseOne(text);
          if (line !== null) lines.push(line);
          else if (!isOther(text)) firstBad ??= count;
        }
        offset += end;
      }
      modified = info?.mtime?.getTime() ?? 0;
      if (!isReplaced && lines.length === from) return null;
      return { from, lines: lines.slice(from) };
    },
    time: () => modified,
    problems: () =>
      firstBad === null
        ? []
        : [`Cannot read line ${firstBad} of "${path}": it is left out`],
  };
}

async function readFrom(path: string, offset: number): Promise<Uint8Array> {
  using file = await Deno.open(path);
  await file.seek(offset, Deno.SeekMode.Start);
  return new Uint8Array(await new Response(file.readable).arrayBuffer());
}

/** @returns Milliseconds; null: there is no such file. */
async function modifiedAt(path: string): Promise<number | null> {
  const info = await statOrNull(path);
  return info === null ? null : info.mtime?.getTime() ?? 0;
}

/**
 * The real path of a file, links followed.
 *
 * @throws {OutsideError} If it is not in the folder.
 */
async function pathInside(folder: string, path: string): Promise<string> {
  const [root, file] = await Promise.all([Deno.realPath(folder), Deno.realPath(path)]);
  if (file.startsWith(root + sep)) return file;
  throw new OutsideError(
    `Cannot show "${path}": it is a link that leads out of the run's folder`,
  );
}

function parseYaml(text: string): unknown {
  try {
    const document = parseDocument(text, { logLevel: "error" });
    return document.errors.length === 0 ? document.toJS() : null;
  } catch {
    return null; // the text is shown as it is
  }
}

/** The evaluation that the text of `summary.json` tells of; null: there is none. */
function parseSummary(text: string): EvaluationLine | null {
  try {
    const { iterations: iteration, evaluation } = JSON.parse(text);
    const results = { [evaluation.split]: evaluation };
    return parseEvaluationLine(JSON.stringify({ iteration, centerCrop: null, results }));
  } catch {
    return null;
  }
}

/** Folders of runs among what was given, and what could be among them later. */
export interface FoundRuns {
  /** Of each run. */
  readonly paths: readonly string[];
  /** Folders that hold runs. */
  readonly parents: readonly string[];
}

/**
 * Finds the runs in folders: each is a run's, or holds some.
 *
 * @throws {Error} If one is neither.
 */
export async function findRuns(folders: readonly string[]): Promise<FoundRuns> {
  const paths: string[] = [];
  const parents: string[] = [];
  for (const folder of folders) {
    if (await isRun(folder)) {
      paths.push(folder);
      continue;
    }
    const inside = await runsIn(folder).catch((error) => {
      if (!isMissingPath(error)) throw fileReadError(folder, error);
      const reason = isNotFound(error) ? "there is no such folder" : "it is a file";
      throw new Error(
        `Cannot show "${folder}": ${reason}; name the folder of a run, as runs/demo`,
      );
    });
    if (inside.length === 0) {
      throw new Error(
        `Cannot show "${folder}": it is no run's folder and holds none; a run's folder has ` +
          "a config.yaml and a log.jsonl",
      );
    }
    parents.push(folder);
    paths.push(...inside);
  }
  return { paths: uniquePaths(paths), parents };
}

/** The folders of runs in a folder, by name. */
export async function runsIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (await isRun(path)) found.push(path);
  }
  return found.sort();
}

async function isRun(path: string): Promise<boolean> {
  const { config, log, pictures } = runFolder(path);
  const [hasConfig, hasLog, hasPictures] = await Promise.all(
    [config, log, pictures].map((file) => Deno.stat(file).then(() => true, () => false)),
  );
  return hasConfig === true && (hasLog === true || hasPictures === true);
}

function uniquePaths(paths: readonly string[]): string[] {
  return [...new Map(paths.map((path) => [resolve(path), path])).values()];
}

/** Names that tell runs apart: the last parts of their paths, as few as will do. */
export function runNames(paths: readonly string[]): string[] {
  const tail = (path: string, parts: number) =>
    resolve(path).split(sep).slice(-parts).join("/");
  return paths.map((path) => {
    for (let parts = 1; parts < 8; parts++) {
      const name = tail(path, parts);
      const same = paths.filter((one) => tail(one, parts) === name);
      if (same.length === 1) return name;
    }
    return path;
  });
}
