/** A run as its user sees it: a bar, scores, pictures. @module */
import { join } from "node:path";
import type { ClassInfo, Normalisation } from "../core/host_batch.ts";
import { colorize, denormalise, grayscale } from "./label_picture.ts";
import { type MemoryChoices, memoryText, type NeededMemory } from "./memory_text.ts";
import { drawSheet } from "./picture.ts";
import { openProgress, type Progress, type ProgressStep } from "./progress_bar.ts";
import type { Terminal } from "./terminal.ts";
import { writeResult } from "./writable.ts";

/** One picture of a panel; see the engine's `PanelCell`. */
interface Cell {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly sort: "image" | "labels" | "share";
  readonly values: ArrayLike<number>;
}

/** Watches a run and shows it; fits the engine's `Observer`. */
export interface TrainingReporter {
  log(line: string): void;
  start(
    backend: { readonly name: string; readonly adapter: string; readonly reason: string },
    iteration: number,
    config: { readonly iterations: number },
  ): void;
  memory(predicted: NeededMemory, config: MemoryChoices): void;
  iteration(line: ProgressStep): void;
  evaluation(
    iteration: number,
    results: ReadonlyMap<
      string,
      { readonly mIoU: number; readonly pixelAccuracy: number }
    >,
  ): void;
  /** Writes a PNG into the folder of pictures. */
  panel(
    panel: {
      readonly iteration: number;
      readonly rows: readonly (readonly Cell[])[];
      readonly classes: readonly ClassInfo[];
      readonly normalisation: Normalisation;
    },
    folder: { readonly pictures: string },
  ): Promise<void>;
  /** Ends the bar. */
  stop(): void;
}

/** Opens a reporter; nothing is shown before the run starts. */
export function openTrainingReporter(terminal: Terminal): TrainingReporter {
  let progress: Progress | null = null;
  const log = (line: string) =>
    progress === null ? terminal.error(`${line}\n`) : progress.log(line);
  return {
    log,
    start({ name, adapter, reason }, iteration, { iterations }) {
      log(`backend    ${name} on ${adapter} (${reason})`);
      if (iteration > 0) log(`resuming   at iteration ${iteration} of ${iterations}`);
      progress = openProgress(terminal, iterations, iteration);
    },
    memory: (predicted, config) => memoryText(predicted, config).forEach(log),
    iteration: (line) => progress?.update(line),
    evaluation(iteration, results) {
      const figures = [...results].map(([name, { mIoU, pixelAccuracy }]) =>
        `${name} mIoU ${percent(mIoU)}, pixels ${percent(pixelAccuracy)}`
      );
      log(`iteration ${iteration}: ${figures.join("; ")}`);
    },
    async panel({ iteration, rows, classes, normalisation }, { pictures }) {
      const painted = rows.map((row) =>
        row.map((cell) => ({ ...cell, rgb: paint(cell, classes, normalisation) }))
      );
      const name = `${String(iteration).padStart(6, "0")}.png`;
      await writeResult(join(pictures, name), drawSheet(painted));
    },
    stop: () => progress?.stop(),
  };
}

/** Without a labelled pixel there is no figure. */
const percent = (share: number) =>
  Number.isNaN(share) ? "–" : `${(100 * share).toFixed(1)} %`;

function paint(
  { sort, values }: Cell,
  classes: readonly ClassInfo[],
  normalisation: Normalisation,
): Uint8Array {
  switch (sort) {
    case "image":
      return denormalise(values, normalisation);
    case "labels":
      return colorize(values, classes);
    case "share":
      return grayscale(values);
  }
}
