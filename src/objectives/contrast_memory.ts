/**
 * The memory of a contrastive loss: per class a queue of unit vectors (the bank) and a
 * prototype.
 *
 *     bank       [C, S, D]
 *     prototype  [C, D]
 *     cursor     [C, 3]   next place in the bank, filled places, 1 once there is a prototype
 *
 * The memory is on the device and takes 4·C·(S·D + D + 3) bytes, plus 4·C·(M·D + D + 4)
 * bytes for staged entries. A forward pass stages what it would store; only `commit`
 * stores it, so virtual steps leave the memory unchanged.
 *
 * @module
 */
import type { Parameter, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { lerp } from "../ops/in_place/in_place.ts";
import { enqueue } from "../ops/memory_bank/memory_bank.ts";

/** Sizes of a memory. */
export interface ContrastMemorySizes {
  /** C */
  readonly classCount: number;
  /** D, channels of the representation. */
  readonly channels: number;
  /** S, entries per class. */
  readonly queueSize: number;
  /** M, the most new entries per class and iteration; at most S. */
  readonly maxEnqueued: number;
}

/** What a forward pass would store. */
export interface StagedEntries {
  /** Unit vectors for the bank. [C, M, D] */
  readonly keys: tf.Tensor3D;
  /** How many of the M there are. [C] */
  readonly newCounts: tf.Tensor1D;
  /** [C, D] */
  readonly prototype: tf.Tensor2D;
  /** The cursor afterwards. [C, 3] */
  readonly cursor: tf.Tensor2D;
}

/** An open memory. */
export interface ContrastMemory extends Pick<StagedEntries, "prototype" | "cursor"> {
  /** [C, S, D] */
  readonly bank: tf.Tensor3D;
  /** What the last forward pass would store; always the same tensors. */
  readonly staged: StagedEntries;
  /** Copies into `staged`. */
  stage(next: StagedEntries): void;
  /** Stores what is staged. */
  commit(): void;
  /** Frees the staged entries, not the tensors that the memory was opened on. */
  release(): void;
}

/** The tensors of a memory, for checkpoints; all start as zeros. */
export function contrastMemoryParameters(
  { classCount, channels, queueSize }: Omit<ContrastMemorySizes, "maxEnqueued">,
): readonly Parameter[] {
  const zeroBuffer = (name: string, shape: readonly number[]): Parameter => ({
    ...{ name, shape, layout: "plain", trainable: false },
    initializer: { kind: "constant", value: 0 },
  });
  return [
    zeroBuffer("bank", [classCount, queueSize, channels]),
    zeroBuffer("prototype", [classCount, channels]),
    zeroBuffer("cursor", [classCount, 3]),
  ];
}

/**
 * Opens a memory.
 *
 * @param lossState The tensors of {@linkcode contrastMemoryParameters}, changed in place.
 * @throws {TypeError} If one is missing.
 */
export function openContrastMemory(
  lossState: Weights,
  { classCount, channels, maxEnqueued }: Omit<ContrastMemorySizes, "queueSize">,
): ContrastMemory {
  const tensorNamed = <T extends tf.Tensor>(name: string): T => {
    const tensor = lossState.get(name);
    if (tensor === undefined) {
      throw new TypeError(`Cannot open the contrast memory: it lacks "${name}"`);
    }
    return tensor as T;
  };
  const bank = tensorNamed<tf.Tensor3D>("bank");
  const prototype = tensorNamed<tf.Tensor2D>("prototype");
  const cursor = tensorNamed<tf.Tensor2D>("cursor");
  const staged: StagedEntries = {
    keys: tf.zeros<tf.Rank.R3>([classCount, maxEnqueued, channels]),
    newCounts: tf.zeros<tf.Rank.R1>([classCount]),
    prototype: tf.zeros<tf.Rank.R2>([classCount, channels]),
    cursor: tf.zeros<tf.Rank.R2>([classCount, 3]),
  };
  return {
    bank,
    prototype,
    cursor,
    staged,
    stage({ keys, newCounts, prototype, cursor }) {
      lerp(staged.keys, keys, 0);
      lerp(staged.newCounts, newCounts, 0);
      lerp(staged.prototype, prototype, 0);
      lerp(staged.cursor, cursor, 0);
    },
    commit() {
      enqueue(bank, staged.keys, staged.newCounts, cursor);
      lerp(prototype, staged.prototype, 0);
      lerp(cursor, staged.cursor, 0);
    },
    release: () => tf.dispose({ ...staged }),
  };
}
