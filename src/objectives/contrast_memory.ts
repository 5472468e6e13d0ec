/**
 * What a contrastive loss remembers between iterations: per class a bank of unit vectors,
 * first in, first out, and a prototype.
 *
 *     bank       [C, S, D]
 *     prototype  [C, D]
 *     cursor     [C, 3]   next place in the bank, filled places, 1 once there is a prototype
 *
 * Everything is on the device and takes 4·C·(S·D + D + 3) bytes, and as many new entries
 * as may come wait beside it. An evaluation stages what it would store; only `commit`
 * stores it, so evaluations that nobody commits leave no mark.
 *
 * @module
 */
import type { Parameter, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { blend } from "../ops/in_place.ts";
import { enqueue } from "../ops/memory_bank.ts";

/** Sizes of a memory. */
export interface ContrastSizes {
  /** C */
  readonly classes: number;
  /** D, channels of the representation. */
  readonly channels: number;
  /** S, entries per class. */
  readonly entriesPerClass: number;
  /** M, new entries per class and iteration at most; not more than S. */
  readonly newPerIteration: number;
}

/** What an evaluation would store. */
export interface Staged {
  /** Unit vectors that enter the banks. [C, M, D] */
  readonly keys: tf.Tensor3D;
  /** How many of them do. [C] */
  readonly fresh: tf.Tensor1D;
  /** [C, D] */
  readonly prototype: tf.Tensor2D;
  /** The cursor afterwards. [C, 3] */
  readonly cursor: tf.Tensor2D;
}

/** A memory that is in use. */
export interface ContrastMemory extends Omit<Staged, "keys" | "fresh"> {
  /** [C, S, D] */
  readonly bank: tf.Tensor3D;
  /** What the last evaluation would store; always the same tensors. */
  readonly staged: Staged;
  /** Copies into `staged`. */
  stage(next: Staged): void;
  /** Stores what is staged. */
  commit(): void;
  /** Frees what is staged; whoever gave the memory frees that. */
  release(): void;
}

/** The tensors of a memory, for checkpoints; all start as zeros. */
export function contrastParameters(
  { classes, channels, entriesPerClass }: Omit<ContrastSizes, "newPerIteration">,
): readonly Parameter[] {
  const plain = (name: string, shape: readonly number[]): Parameter => ({
    ...{ name, shape, layout: "plain", trained: false },
    initial: { kind: "constant", value: 0 },
  });
  return [
    plain("bank", [classes, entriesPerClass, channels]),
    plain("prototype", [classes, channels]),
    plain("cursor", [classes, 3]),
  ];
}

/**
 * Takes a memory into use.
 *
 * @param memory Tensors as {@linkcode contrastParameters} describes them, changed in place.
 * @throws {TypeError} If it lacks one.
 */
export function contrastMemory(
  memory: Weights,
  { classes, channels, newPerIteration }: Omit<ContrastSizes, "entriesPerClass">,
): ContrastMemory {
  const of = <T extends tf.Tensor>(name: string): T => {
    const tensor = memory.get(name);
    if (tensor === undefined) {
      throw new TypeError(
        `Cannot compare representations: the memory lacks its "${name}"`,
      );
    }
    return tensor as T;
  };
  const bank = of<tf.Tensor3D>("bank");
  const prototype = of<tf.Tensor2D>("prototype");
  const cursor = of<tf.Tensor2D>("cursor");
  // Memory of their own: in-place updates would write to what a copy shares.
  const blank = <R extends tf.Rank>(shape: tf.ShapeMap[R]) => tf.zeros<R>(shape);
  const staged: Staged = {
    keys: blank<tf.Rank.R3>([classes, newPerIteration, channels]),
    fresh: blank<tf.Rank.R1>([classes]),
    prototype: blank<tf.Rank.R2>([classes, channels]),
    cursor: blank<tf.Rank.R2>([classes, 3]),
  };
  return {
    bank,
    prototype,
    cursor,
    staged,
    stage(next) {
      blend(staged.keys, next.keys, 0);
      blend(staged.fresh, next.fresh, 0);
      blend(staged.prototype, next.prototype, 0);
      blend(staged.cursor, next.cursor, 0);
    },
    commit() {
      enqueue(bank, staged.keys, staged.fresh, cursor);
      blend(prototype, staged.prototype, 0);
      blend(cursor, staged.cursor, 0);
    },
    release() {
      tf.dispose([staged.keys, staged.fresh, staged.prototype, staged.cursor]);
    },
  };
}
