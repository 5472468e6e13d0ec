/** What a run leaves in its folder while it goes on. @module */
import { communicator } from "../core/ranks.ts";
import {
  appendLine,
  type EvaluationLine,
  type LogLine,
  type RunFolder,
  type StopLine,
} from "./run_files.ts";
import { type RunSummary, writeTextAtomic } from "./run_folder.ts";
import type { TensorBoardLog } from "./tensorboard_log.ts";
import type { TrainingSession } from "./training_session.ts";

/** Writes a run's files; those of one folder are written by one process. */
export interface RunRecords extends Disposable {
  /** Adds a line to the log. */
  iteration(line: LogLine): Promise<void>;
  /** Adds the last line of a log of a run that has stopped early. */
  stop(line: StopLine): Promise<void>;
  /** Adds a line to the evaluations. */
  evaluation(line: EvaluationLine): Promise<void>;
  /** Takes note of the panel of an iteration, if its observer has written one. */
  picture(iteration: number): Promise<void>;
  /** Writes a checkpoint, the newest one or the best. */
  save(session: TrainingSession, which: "last" | "best"): Promise<void>;
  /** Writes the result. */
  summary(summary: RunSummary): Promise<void>;
}

/**
 * Opens the records of a run. Of several ranks the first one writes them, and the others
 * write nothing.
 *
 * @param tensorBoard Whether there is a log for TensorBoard, too.
 */
export async function openRunRecords(
  folder: RunFolder,
  tensorBoard: boolean,
): Promise<RunRecords> {
  if (!isFirstRank()) return NO_RECORDS;
  const events = tensorBoard ? await openTensorBoardLog(folder) : null;
  return {
    async iteration(line) {
      await appendLine(folder.log, line);
      await events?.iteration(line);
    },
    stop: (line) => appendLine(folder.log, line),
    async evaluation(line) {
      await appendLine(folder.evaluations, line);
      await events?.evaluation(line);
    },
    picture: async (iteration) => await events?.picture(iteration),
    save: (session, which) =>
      session.save(which === "last" ? folder.lastCheckpoint : folder.bestCheckpoint),
    summary: (summary) =>
      writeTextAtomic(folder.summary, `${JSON.stringify(summary, null, 2)}\n`),
    [Symbol.dispose]: () => events?.[Symbol.dispose](),
  };
}

/** Whether this process writes what ranks that train together leave on disk. */
export function isFirstRank(): boolean {
  return (communicator()?.rank ?? 0) === 0;
}

const NO_RECORDS: RunRecords = {
  iteration: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  evaluation: () => Promise.resolve(),
  picture: () => Promise.resolve(),
  save: () => Promise.resolve(),
  summary: () => Promise.resolve(),
  [Symbol.dispose]() {},
};

// Loaded for the first file: few runs write one.
async function openTensorBoardLog(folder: RunFolder): Promise<TensorBoardLog> {
  const module = await import("./tensorboard_log.ts");
  return await module.openTensorBoardLog(folder);
}
