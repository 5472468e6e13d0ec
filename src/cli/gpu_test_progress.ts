/** How far the test of a GPU is. @module */
import { openSplitProgress } from "./progress_bar.ts";
import type { Terminal } from "./terminal.ts";

/** Shows a test of a GPU on a terminal: a bar for its kernels, then one for what they do. */
export function openGpuTestProgress(terminal: Terminal): {
  update(what: string, done: number, total: number): void;
  stop(): void;
} {
  const progress = openSplitProgress(terminal, "step");
  return {
    update(what, done, total) {
      const part = what === "kernel"
        ? "compiling the kernels for this GPU"
        : "testing what they compute";
      progress.update(part, done, total);
    },
    stop: progress.stop,
  };
}
