/** Losses on the device → numbers, with as few read-backs as possible. @module */
import * as tf from "../core/tf.ts";
import { meanOverRanks } from "../ops/across_ranks.ts";
import { readBack } from "../core/backend.ts";
import type { HostTensor } from "../core/host_tensor.ts";
import type { Losses } from "../methods/learner.ts";
import { CHECKPOINT_PREFIXES } from "../weights/checkpoint.ts";
import { GRADIENT_NORM } from "./run_files.ts";

/** The losses of one iteration. */
export interface LossRecord {
  /** Counted from 0. */
  readonly iteration: number;
  /** Names of the files it learned from. */
  readonly fileNames: readonly string[];
  readonly losses: Readonly<Record<string, number>>;
}

/** A loss that is not a number any more; the run cannot go on. */
export class LossNotFiniteError extends Error {
  override readonly name = "LossNotFiniteError";
}

/** Collects losses until they are read. */
export interface LossBuffer {
  /** Takes the losses over; it frees them when they are read. */
  add(iteration: number, names: readonly string[], losses: Losses): void;
  /**
   * Reads everything since the last call in one go.
   *
   * @throws {LossNotFiniteError} Naming the first iteration whose loss is not finite.
   */
  read(): Promise<LossRecord[]>;
}

/**
 * @param seed Of the run, for messages.
 */
export function createLossBuffer(seed: number): LossBuffer {
  let pending: { iteration: number; fileNames: readonly string[]; losses: Losses }[] = [];
  return {
    add(iteration, fileNames, losses) {
      pending.push({ iteration, fileNames, losses });
    },
    async read() {
      const entries = pending;
      pending = [];
      const scalars = entries.flatMap(({ losses }) => [...losses.values()]);
      if (scalars.length === 0) return [];
      const packed = tf.tidy(() => meanOverRanks(tf.stack(scalars)));
      tf.dispose(scalars);
      const numbers = await readBack(packed);
      packed.dispose();
      let next = 0;
      return entries.map(({ iteration, fileNames, losses }) => {
        const record: Record<string, number> = {};
        for (const name of losses.keys()) record[name] = numbers[next++] ?? NaN;
        assertFiniteLosses(record, iteration, seed, fileNames);
        return { iteration, fileNames, losses: record };
      });
    },
  };
}

function assertFiniteLosses(
  losses: Readonly<Record<string, number>>,
  iteration: number,
  seed: number,
  names: readonly string[],
): void {
  for (const [name, value] of Object.entries(losses)) {
    if (Number.isFinite(value)) continue;
    const what = name === GRADIENT_NORM ? "the gradient's norm" : `the loss "${name}"`;
    throw new LossNotFiniteError( // counted from 1, as in the log
      `Cannot go on: ${what} is ${value} at iteration ${iteration + 1} with seed ` +
        `${seed} on ${
          names.join(", ")
        }; lower "optimizer.learningRate" or check these files`,
    );
  }
}

const { firstMoment, secondMoment } = CHECKPOINT_PREFIXES;

/** Where a run failed, for messages. */
export interface FailureContext {
  /** Iterations done. */
  readonly iteration: number;
  readonly seed: number;
  /** Names of the files that the last one learned from. */
  readonly fileNames: readonly string[];
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
  { iteration, seed, fileNames }: FailureContext,
): void {
  for (const [name, { dtype, bytes }] of tensors) {
    if (dtype !== "F32") continue;
    if (name.startsWith(firstMoment) || name.startsWith(secondMoment)) continue;
    const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const wrong = numbers.find((one) => !Number.isFinite(one));
    if (wrong === undefined) continue;
    throw new LossNotFiniteError(
      `Cannot go on: the weight "${name}" holds ${wrong} after iteration ${iteration} ` +
        `with seed ${seed} on ${
          fileNames.join(", ")
        }; lower "optimizer.learningRate" or check ` +
        "these files; nothing was saved over the last checkpoint",
    );
  }
}
