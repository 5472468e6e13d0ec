/** Losses on the device → numbers, with as few read-backs as possible. @module */
import { readBack } from "../core/backend.ts";
import * as tf from "../core/tf.ts";
import type { Losses } from "../methods/learner.ts";

/** The losses of one iteration. */
export interface LossRecord {
  /** Counted from 0. */
  readonly iteration: number;
  /** Names of the files it learned from. */
  readonly names: readonly string[];
  readonly losses: Readonly<Record<string, number>>;
}

/** A loss that is not a number any more; the run cannot go on. */
export class LossNotFiniteError extends Error {
  override readonly name = "LossNotFiniteError";
}

/** Collects losses until somebody wants to see them. */
export interface LossLog {
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
export function openLossLog(seed: number): LossLog {
  let pending: { iteration: number; names: readonly string[]; losses: Losses }[] = [];
  return {
    add(iteration, names, losses) {
      pending.push({ iteration, names, losses });
    },
    async read() {
      const taken = pending;
      pending = [];
      const scalars = taken.flatMap(({ losses }) => [...losses.values()]);
      if (scalars.length === 0) return [];
      const packed = tf.stack(scalars);
      tf.dispose(scalars);
      const numbers = await readBack(packed);
      packed.dispose();
      let at = 0;
      return taken.map(({ iteration, names, losses }) => {
        const record: Record<string, number> = {};
        for (const name of losses.keys()) record[name] = numbers[at++] ?? NaN;
        assertFinite(record, iteration, seed, names);
        return { iteration, names, losses: record };
      });
    },
  };
}

function assertFinite(
  losses: Readonly<Record<string, number>>,
  iteration: number,
  seed: number,
  names: readonly string[],
): void {
  for (const [name, value] of Object.entries(losses)) {
    if (Number.isFinite(value)) continue;
    throw new LossNotFiniteError( // counted from 1, as in the log
      `Cannot go on: the loss "${name}" is ${value} at iteration ${
        iteration + 1
      } with seed ` +
        `${seed} on ${names.join(", ")}; lower "optimizer.rate" or look at these files`,
    );
  }
}
