/** The last line of defence of a checkpoint: no weight that is not a number. @module */
import type { HostTensor } from "../core/host_tensor.ts";
import { CHECKPOINT_PREFIX } from "../weights/checkpoint_file.ts";
import { LossNotFiniteError } from "./loss_log.ts";

const { firstMoment, secondMoment } = CHECKPOINT_PREFIX;

/** Where a run failed, for messages. */
export interface FailurePlace {
  /** Iterations done. */
  readonly iteration: number;
  readonly seed: number;
  /** Names of the files that the last one learned from. */
  readonly names: readonly string[];
}

/**
 * Refuses to save a network that has already failed, over one that has not.
 *
 * A step can ruin the weights after its own loss was fine; moments may overflow.
 *
 * @throws {LossNotFiniteError} Naming the first weight that is not finite.
 */
export function assertFiniteWeights(
  tensors: ReadonlyMap<string, HostTensor>,
  { iteration, seed, names }: FailurePlace,
): void {
  for (const [name, { dtype, bytes }] of tensors) {
    if (dtype !== "F32") continue;
    if (name.startsWith(firstMoment) || name.startsWith(secondMoment)) continue;
    const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const wrong = numbers.find((one) => !Number.isFinite(one));
    if (wrong === undefined) continue;
    throw new LossNotFiniteError(
      `Cannot go on: the weight "${name}" holds ${wrong} after iteration ${iteration} ` +
        `with seed ${seed} on ${names.join(", ")}; lower "optimizer.rate" or look at ` +
        "these files; nothing was saved over the last checkpoint",
    );
  }
}
