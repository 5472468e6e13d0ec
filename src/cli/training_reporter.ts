/** A run as its user sees it: a bar, scores, pictures. @module */
import { writeOutputFile } from "../io/output_file.ts";
import { formatBackend } from "./cpu_options.ts";
import { colorize, denormalize, grayscale } from "./colorize.ts";
import { drawImageGrid } from "./image_grid.ts";
import { formatBytes } from "./format_bytes.ts";
import { openCounter, openTrainingProgress, type Progress } from "./progress_bar.ts";
import type { MemoryEstimate, Observer, Panel, PanelCell, RunConfig } from "../../mod.ts";
import { type Terminal, visibleText } from "./terminal.ts";
import { join } from "node:path";

/** Shows a run on standard error and writes its panels; an observer of `train`. */
export interface TrainingReporter extends Required<Observer> {
  /** Ends the bar. */
  stop(): void;
}

/** Opens a reporter; nothing is shown before the run starts. */
export function openTrainingReporter(terminal: Terminal): TrainingReporter {
  let progress: Progress | null = null;
  let openProgress = () => {};
  const compiled = openCounter(terminal, "kernel");
  const log = (given: string) => {
    const line = visibleText(given);
    if (progress === null) terminal.writeErr(`${line}\n`);
    else progress.log(line);
  };
  return {
    log,
    start(backend, iteration, { iterations }) {
      log(formatBackend(backend));
      if (iteration > 0) log(`resuming   at iteration ${iteration} of ${iterations}`);
      openProgress = () =>
        progress ??= openTrainingProgress(terminal, iterations, iteration);
      if (backend.name === "wasm") openProgress();
    },
    memory: (predicted, config) => formatMemory(predicted, config).forEach(log),
    compiling(done, total) {
      compiled.update(done, total);
      if (done === total) compiled.stop();
    },
    iteration(line) {
      openProgress(); // after the bar of the kernels
      progress?.update(line);
    },
    evaluation(iteration, results) {
      const figures = [...results].map(([name, { mIoU, pixelAccuracy, notes }]) =>
        notes === undefined
          ? `${name} mIoU ${formatPercent(mIoU)}, pixel accuracy ${
            formatPercent(pixelAccuracy)
          }`
          : `${name} ${formatPercent(mIoU)} mIoU, but ${notes.join("; ")}`
      );
      log(`iteration ${iteration}: ${figures.join("; ")}`);
    },
    async panel(panel, { pictures }) {
      const { iteration, rows } = panel;
      const rendered = rows.map((row) =>
        row.map((cell) => ({ ...cell, rgb: renderCell(cell, panel) }))
      );
      // Three tall crops below each other would fit on no screen.
      const isTall = rendered.flat().every(({ height, width }) => height > 2 * width);
      const lines = isTall ? [rendered.flat()] : rendered;
      const name = `${String(iteration).padStart(6, "0")}.png`;
      await writeOutputFile(join(pictures, name), drawImageGrid(lines));
    },
    stop() {
      compiled.stop();
      progress?.stop();
    },
  };
}

/** Without a labeled pixel there is no figure. */
const formatPercent = (share: number) =>
  Number.isNaN(share) ? "–" : `${(100 * share).toFixed(1)} %`;

function renderCell(
  { kind, values }: PanelCell,
  { classes, normalization, bitDepth }: Omit<Panel, "rows" | "iteration">,
): Uint8Array {
  switch (kind) {
    case "image":
      return denormalize(values, normalization, bitDepth);
    case "labels":
      return colorize(values, classes);
    case "weight":
      return grayscale(values);
  }
}

/** What of a configuration decides about memory. */
interface MemorySettings {
  readonly model: Pick<RunConfig["model"], "activationCheckpointing">;
  readonly data: Pick<RunConfig["data"], "batchSize">;
  readonly optimizer: Pick<RunConfig["optimizer"], "accumulationSteps">;
}

const MEMORY_KINDS = ["weights", "optimizer", "gradients", "activations"] as const;

/** A line with the prediction and, where it cannot be had, one with the cure. */
export function formatMemory(
  { total, limit, backend, ...bytesByKind }: MemoryEstimate,
  { model, data, optimizer }: MemorySettings,
): string[] {
  const breakdown = MEMORY_KINDS.map((name) => [name, bytesByKind[name]] as const)
    .map(([name, bytes]) => `${name} ${formatBytes(bytes)}`).join(", ");
  const line = `memory     estimated peak ${
    formatBytes(total)
  } of device memory (${breakdown})`;
  if (limit === null) {
    return [
      line,
      "memory     WebGPU does not tell how much the GPU has: FST_GPU_MEMORY=8GB makes a " +
      "run that needs too much say so",
    ];
  }
  if (total <= limit) return [line];
  const suggestions = [
    ...(model.activationCheckpointing ? [] : ['"model.activationCheckpointing: true"']),
    ...(optimizer.accumulationSteps < data.batchSize
      ? [`"optimizer.accumulationSteps: ${data.batchSize}"`]
      : []),
    'a smaller "data.cropSize"',
  ];
  return [
    line,
    `memory     this exceeds the ${formatBytes(limit)} available${
      backend === "wasm" ? "" : ", 85 % of the GPU's memory"
    }: use ${backend === "wasm" ? "a GPU with --backend webgpu, " : ""}${
      suggestions.join(" or ")
    }`,
  ];
}
