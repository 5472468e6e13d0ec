/** The memory of training in words. @module */
import { byteText } from "./byte_text.ts";

/** Bytes at the largest moment of an iteration; fits the engine's `PredictedMemory`. */
export interface NeededMemory {
  readonly total: number;
  readonly weights: number;
  readonly optimizer: number;
  readonly gradients: number;
  readonly activations: number;
  readonly limit: number | null;
}

/** What of a configuration decides about memory. */
export interface MemoryChoices {
  readonly model: { readonly recompute: boolean };
  readonly data: { readonly batch: number };
  readonly optimizer: { readonly accumulate: number };
}

const PARTS = ["weights", "optimizer", "gradients", "activations"] as const;

/** A line with the prediction and, where it cannot be had, one with the cure. */
export function memoryText(
  { total, limit, ...parts }: NeededMemory,
  { model, data, optimizer }: MemoryChoices,
): string[] {
  const named = PARTS.map((name) => [name, parts[name]] as const)
    .map(([name, bytes]) => `${name} ${byteText(bytes)}`).join(", ");
  const line = `memory     predicted peak ${byteText(total)} of device memory (${named})`;
  if (limit === null || total <= limit) return [line];
  const cures = [
    ...(model.recompute ? [] : ['"model.recompute: true"']),
    ...(optimizer.accumulate < data.batch
      ? [`"optimizer.accumulate: ${data.batch}"`]
      : []),
    'a smaller "data.crop"',
  ];
  return [
    line,
    `memory     this is more than the ${
      byteText(limit)
    } that there can be: use a GPU with ` +
    `--backend webgpu, ${cures.join(" or ")}`,
  ];
}
