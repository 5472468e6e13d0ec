/** What TensorBoard shows of a run: its logs, its panels and its configuration. @module */
import {
  encodeEvent,
  encodeFileStart,
  type EventContent,
  type EventValue,
} from "../formats/event_file.ts";
import { decodePng } from "../formats/png.ts";
import { fileWriteError, isNotFound } from "../io/file_errors.ts";
import {
  type EvaluationLine,
  GRADIENT_NORM,
  type LogLine,
  parseEvaluationLine,
  parseLogLine,
  pictureIterations,
  picturePath,
  readLines,
  type RunFolder,
} from "./run_files.ts";
import { join } from "node:path";

/** An event file that grows with the run. */
export interface TensorBoardLog {
  /** Adds the scalars of a line of the log. */
  iteration(line: LogLine): Promise<void>;
  /** Adds the scalars of an evaluation. */
  evaluation(line: EvaluationLine): Promise<void>;
  /** Adds the panel of an iteration, if its observer has written one. */
  picture(iteration: number): Promise<void>;
  /** Ends the file. */
  [Symbol.dispose](): void;
}

/** Event files of ours; TensorBoard looks for "tfevents" and sorts by name. */
const FILE_NAME = /^events\.out\.tfevents\.(\d{10,})\.fst$/;

/**
 * Begins the event file of a run, with all that its logs hold so far. It takes the place of
 * an earlier one, so that no iteration is in it twice, and readers that follow the folder
 * find it by its later name.
 *
 * @throws {Error} If it cannot be written, with the path and what to do.
 */
export async function openTensorBoardLog(folder: RunFolder): Promise<TensorBoardLog> {
  const { path, log, evaluations, config } = folder;
  const old: string[] = [];
  for await (const { name } of Deno.readDir(path)) {
    if (FILE_NAME.test(name)) old.push(name);
  }
  const newest = Math.max(...old.map((name) => Number(FILE_NAME.exec(name)?.[1])), 0);
  const started = Math.max(Math.floor(now()), newest + 1);
  const name = join(path, `events.out.tfevents.${started}.fst`);
  const file = await Deno.open(name, { append: true, create: true }).catch((error) => {
    throw fileWriteError(name, error);
  });
  const write = async (bytes: Uint8Array) => {
    try {
      for (let written = 0; written < bytes.length;) {
        written += await file.write(bytes.subarray(written));
      }
    } catch (error) {
      throw fileWriteError(name, error);
    }
  };
  const add = async (content: EventContent) => {
    if (content.values.length > 0) await write(encodeEvent(now(), content));
  };
  const tensorBoard: TensorBoardLog = {
    iteration: (line) => add({ step: line.iteration, values: iterationValues(line) }),
    evaluation: (line) => add({ step: line.iteration, values: evaluationValues(line) }),
    async picture(iteration) {
      const image = await Deno.readFile(picturePath(folder, iteration)).catch((error) => {
        if (isNotFound(error)) return null;
        throw error;
      });
      if (image === null) return;
      const { width, height } = decodePng(image, picturePath(folder, iteration));
      await add({ step: iteration, values: [{ tag: "panel", image, width, height }] });
    },
    [Symbol.dispose]: () => file.close(),
  };
  try {
    await write(encodeFileStart(now()));
    const text = `\`\`\`yaml\n${await Deno.readTextFile(config)}\n\`\`\``;
    await add({ step: 0, values: [{ tag: "config", text }] });
    const lines = await readLines(log, parseLogLine);
    for (const line of lines) await tensorBoard.iteration(line);
    for (const line of await readLines(evaluations, parseEvaluationLine)) {
      await tensorBoard.evaluation(line);
    }
    const last = lines.at(-1)?.iteration ?? 0;
    for (const iteration of await pictureIterations(folder)) {
      if (iteration <= last) await tensorBoard.picture(iteration);
    }
    for (const one of old) await Deno.remove(join(path, one));
    return tensorBoard;
  } catch (error) {
    tensorBoard[Symbol.dispose]();
    throw error;
  }
}

const now = () => Date.now() / 1000;

function scalars(figures: Readonly<Record<string, number | null>>): EventValue[] {
  return Object.entries(figures).flatMap(([tag, scalar]) =>
    scalar === null || Number.isNaN(scalar) ? [] : [{ tag, scalar }]
  );
}

function iterationValues({ iteration: _, losses, ...figures }: LogLine): EventValue[] {
  const tagged = Object.entries(losses).map(([name, loss]) =>
    [isNoLoss(name) ? name : `losses/${name}`, loss] as const
  );
  return scalars({ ...Object.fromEntries(tagged), ...figures });
}

/** Whether what stands among the losses is a share of pixels, or the gradient's norm. */
const isNoLoss = (name: string) => name.endsWith("Share") || name === GRADIENT_NORM;

function evaluationValues(
  { centerCrop, score, results }: EvaluationLine,
): EventValue[] {
  const suffix = centerCrop === null ? "" : " (center crops)";
  const figures = Object.entries(results).flatMap(
    ([split, { mIoU, pixelAccuracy, classes }]) => {
      const name = `${split}${suffix}`;
      return scalars({
        [`mIoU/${name}`]: mIoU,
        [`pixelAccuracy/${name}`]: pixelAccuracy,
        ...Object.fromEntries(
          classes.map(({ name: one, iou }) => [`IoU ${name}/${one}`, iou]),
        ),
      });
    },
  );
  return [...figures, ...score ? scalars({ [`best/${score.name}`]: score.value }) : []];
}
