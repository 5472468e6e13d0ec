/** From the configuration of a contrast to its memory and what changes over a run. @module */
import type { RunConfig } from "../config/schema.ts";
import type { ContrastConfig } from "../config/semi_method.ts";
import { decide, upload } from "../core/decided.ts";
import type { Network, Parameter } from "../core/network.ts";
import type { Learner } from "../methods/learner.ts";
import type { MeanTeacherContrast } from "../methods/mean_teacher.ts";
import { contrastMemory, contrastParameters } from "../objectives/contrast_memory.ts";

/** What a method's loss remembers between iterations: none for most. */
export function memoryParameters(
  { method }: Pick<RunConfig, "method">,
  network: Network,
): readonly Parameter[] {
  const contrast = contrastOf(method);
  if (contrast === null) return [];
  return contrastParameters({ ...sizesOf(network), ...contrast.bank });
}

/**
 * Takes the learner's memory into use; null without a contrast.
 *
 * @param clock From n, the number of an evaluation, to the iteration that it is part of.
 */
export function startContrast(
  { method, iterations }: Pick<RunConfig, "method" | "iterations">,
  network: Network,
  { memory = new Map() }: Learner,
  clock: (evaluation: number) => number,
): MeanTeacherContrast | null {
  const contrast = contrastOf(method);
  if (contrast === null || !("supervisedIterations" in method)) return null;
  const { percent, prototypeMomentum, bank } = contrast;
  const { supervisedIterations: start } = method;
  const scheduleAt = (evaluation: number) => {
    const t = clock(evaluation);
    const share = percent / 100 * (1 - t / iterations);
    // Counts the iterations in which the teacher has a say.
    const momentum = Math.min(1 - 1 / Math.max(t - start, 1), prototypeMomentum);
    return Float32Array.of(share, momentum);
  };
  return {
    ...contrast,
    memory: contrastMemory(memory, { ...sizesOf(network), ...bank }),
    schedule: ({ host }, evaluation) =>
      upload(
        decide({ host, evaluation }, ({ evaluation }) => scheduleAt(evaluation)),
        [2],
      ),
  };
}

function contrastOf(method: RunConfig["method"]): ContrastConfig | null {
  return method.name === "mean-teacher" ? method.contrast : null;
}

function sizesOf({ classes, decoder }: Network): { classes: number; channels: number } {
  const { representationChannels: channels } = decoder;
  if (channels !== undefined) return { classes, channels };
  throw new TypeError(
    'Cannot use "method.contrast": the network gives no representation of pixels; give ' +
      "its decoder applyWithRepresentation() and representationChannels, or set it to null",
  );
}
