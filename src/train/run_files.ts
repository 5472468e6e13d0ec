/** The names of the files in a run's folder, and its two logs: lines of JSON. @module */
import type { Size } from "../core/host_batch.ts";
import { fileWriteError, isMissingPath, isNotFound } from "../io/file_errors.ts";
import { writeAtomic } from "../io/write_atomic.ts";
import { basename, join, resolve } from "node:path";

/** Paths in a run's folder. */
export interface RunFolder {
  /** The folder itself. */
  readonly path: string;
  /** The complete configuration. */
  readonly config: string;
  /** A line of JSON per logged iteration. */
  readonly log: string;
  /** A line of JSON per evaluation. */
  readonly evaluations: string;
  /** The newest checkpoint. */
  readonly lastCheckpoint: string;
  /** The checkpoint with the best score so far. */
  readonly bestCheckpoint: string;
  /** The result of a finished run. */
  readonly summary: string;
  /** The folder of pictures. */
  readonly pictures: string;
  /** The curves of a finished run, as a picture. */
  readonly curves: string;
  /** The lists that choose images, so that a moved run still finds them. */
  readonly lists: string;
  /** Statistics of the data set. */
  readonly cache: string;
}

/** Names the files of a run's folder; makes nothing. */
export function runFolder(given: string): RunFolder {
  const isNamed = !["", ".", ".."].includes(basename(given));
  const path = isNamed ? given : resolve(given); // what is moved needs a name
  return {
    path,
    config: join(path, "config.yaml"),
    log: join(path, "log.jsonl"),
    evaluations: join(path, "evaluations.jsonl"),
    lastCheckpoint: join(path, "last.safetensors"),
    bestCheckpoint: join(path, "best.safetensors"),
    summary: join(path, "summary.json"),
    pictures: join(path, "pictures"),
    curves: join(path, "curves.png"),
    lists: join(path, "lists"),
    cache: join(path, "cache"),
  };
}

/** Where the panel of an iteration lies. */
export function picturePath({ pictures }: RunFolder, iteration: number): string {
  return join(pictures, `${String(iteration).padStart(6, "0")}.png`);
}

/** The iterations of which there are panels, in order. */
export async function pictureIterations({ pictures }: RunFolder): Promise<number[]> {
  const iterations: number[] = [];
  try {
    for await (const { name } of Deno.readDir(pictures)) {
      const [, digits] = /^(\d{6,15})\.png$/.exec(name) ?? [];
      if (digits !== undefined) iterations.push(Number(digits));
    }
  } catch (error) {
    if (!isMissingPath(error)) throw error;
  }
  return iterations.sort((a, b) => a - b);
}

/** The name among the losses of a gradient's norm, before it is clipped. */
export const GRADIENT_NORM = "gradientNorm";

/** One line of the log. */
export interface LogLine {
  /** Iterations done. */
  readonly iteration: number;
  /** By name, those of the real step. */
  readonly losses: Readonly<Record<string, number>>;
  /** The encoder's learning rate. */
  readonly learningRate: number;
  /** Mean since the last line. */
  readonly secondsPerIteration: number;
  /** Share of that time in which the loop waited for data, 0 … 1. */
  readonly dataTimeShare: number;
  /** Memory of the whole process; runs of earlier versions do not say. */
  readonly residentBytes?: number;
  /** Memory of the GPU that tensors and buffers in reserve take; only with WebGPU. */
  readonly deviceBytes?: number;
}

/** The last line of the log of a run that has stopped early. */
export interface StopLine {
  /** Iterations done. */
  readonly iteration: number;
  /** Why, in a sentence. */
  readonly stopped: string;
}

/** One line of the evaluations: the metrics of the primary network. */
export interface EvaluationLine {
  /** Iterations done. */
  readonly iteration: number;
  /** Size of the center crops that were evaluated; null: whole images. */
  readonly centerCrop: Size | null;
  /** By which the best checkpoint is chosen; of the last, whole images there is none. */
  readonly score?: {
    readonly name: string;
    /** In 0 … 1; null where it is undefined. */
    readonly value: number | null;
    /** Whether it is the best so far. */
    readonly isBest: boolean;
  };
  /** By data set; figures in 0 … 1, null where no pixel is labeled. */
  readonly results: Readonly<Record<string, EvaluationFigures>>;
}

/** The figures of one data set. */
export interface EvaluationFigures {
  /** Mean over the classes that are true or predicted somewhere. */
  readonly mIoU: number | null;
  /** Share of the labeled pixels that are right. */
  readonly pixelAccuracy: number | null;
  /** In the order of their ids. */
  readonly classes: readonly {
    readonly name: string;
    /** RGB in 0 … 255. */
    readonly color: readonly [number, number, number];
    readonly iou: number | null;
  }[];
}

/** Adds a line to a log. */
export async function appendLine(
  path: string,
  line: LogLine | StopLine | EvaluationLine,
): Promise<void> {
  try {
    await Deno.writeTextFile(path, `${JSON.stringify(line)}\n`, { append: true });
  } catch (error) {
    throw fileWriteError(path, error);
  }
}

/**
 * Drops the lines of iterations that a resumed run will do again, one that says that it has
 * stopped, and a last line that an interruption left unfinished.
 *
 * @param iteration The last one that is kept.
 */
export async function truncateLines(path: string, iteration: number): Promise<void> {
  const text = await readTextOrNull(path);
  if (text === null) return;
  const lines = text.split("\n").filter((line) => {
    const parsed = parseLine(line);
    return parsed !== null && parsed.iteration <= iteration && !isStop(parsed);
  });
  await writeAtomic(path, lines.map((line) => `${line}\n`).join(""));
}

/** What both logs have in every line. */
interface AnyLine {
  readonly iteration: number;
}

const isStop = (line: AnyLine): line is StopLine => "stopped" in line;

/** A line as it was written; null if it is none, for example cut short. */
function parseLine(text: string): AnyLine | null {
  if (text === "") return null;
  try {
    const line = JSON.parse(text) as AnyLine | null;
    return Number.isSafeInteger(line?.iteration) ? line : null;
  } catch {
    return null;
  }
}

/** Keys of the log in version 0.1.0, with their present names. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  rate: "learningRate",
  waiting: "dataTimeShare",
  confident: "confidentShare",
  kept: "keptShare",
  perturbed: "featureDropout",
};

const renameOld = (record: object) =>
  Object.entries(record).map(([name, value]) =>
    [OLD_NAMES[name] ?? name, value] as const
  );

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * A line of the log, of an earlier version, too.
 *
 * @returns Null if it is none. What is no number in it is left out.
 */
export function parseLogLine(text: string): LogLine | null {
  const { losses, ...line } = { ...parseLine(text) } as Record<string, unknown>;
  if (!isRecord(losses)) return null;
  const numbers = (record: object) =>
    Object.fromEntries(renameOld(record).filter(([, one]) => Number.isFinite(one)));
  // As the loop has written it; a figure that is missing is NaN, which nothing shows.
  const figures = { learningRate: NaN, secondsPerIteration: NaN, dataTimeShare: NaN };
  return { ...figures, ...numbers(line), losses: numbers(losses) } as LogLine;
}

/** Whether a line of the log is its last one, which says why the run has stopped early. */
export function isStopLine(text: string): boolean {
  const line = parseLine(text);
  return line !== null && isStop(line);
}

/** A line of the evaluations; null if it is none. */
export function parseEvaluationLine(text: string): EvaluationLine | null {
  const line = parseLine(text) as EvaluationLine | null;
  if (line === null || !isRecord(line.results)) return null;
  const areFigures = Object.values<unknown>(line.results).every((figures) =>
    isRecord(figures) && Array.isArray(figures["classes"]) &&
    figures["classes"].every(isRecord)
  );
  return areFigures ? line : null;
}

/** Reads a log; lines that are none are left out, and a log that is missing has none. */
export async function readLines<Line>(
  path: string,
  parse: (text: string) => Line | null,
): Promise<Line[]> {
  return (await readTextOrNull(path) ?? "").split("\n").flatMap((text) =>
    parse(text) ?? []
  );
}

async function readTextOrNull(path: string): Promise<string | null> {
  return await Deno.readTextFile(path).catch((error) => {
    if (isNotFound(error)) return null;
    throw error;
  });
}
