/**
 * The processes that train one network together, and what they exchange.
 *
 * Every process, a rank, has all weights and a part of the batch. It computes as if its part
 * were the batch, except that what is counted over a batch (the labeled pixels that a loss
 * divides by, the moments of batch norm, the share of confident pixels) is the mean over all
 * ranks. Parts are equally large, so the batch's loss and gradient are the means of those of
 * the ranks.
 *
 * All ranks call the same functions in the same order: one that does not keeps the others
 * waiting.
 *
 * @module
 */

/** What the ranks exchange data by. */
export interface Communicator {
  /** The number of this process, 0 … size − 1. */
  readonly rank: number;
  /** How many processes there are. */
  readonly size: number;
  /** The sum over all ranks in place of every value, the same bits on each; blocks. */
  sum(values: Float32Array<ArrayBuffer>): void;
  /** The same while other code runs, which must leave the values alone. */
  sumAsync(values: Float32Array<ArrayBuffer>): Promise<void>;
  /**
   * What all ranks give, one after the other in their order; blocks.
   *
   * @param values As many on every rank.
   */
  gather(values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer>;
  /** The same while other code runs. */
  gatherAsync(values: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>>;
  /**
   * The bytes of rank 0 for all.
   *
   * @param bytes Of rank 0; what other ranks give is not read.
   */
  broadcast(bytes: Uint8Array<ArrayBuffer> | null): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * What exchanges data within a group of ranks alone.
   *
   * @param group The number of this rank's group; ranks keep their order.
   */
  split(group: number): Communicator;
}

let current: Communicator | null = null;

/** What ranks exchange data by; null: this process trains alone. */
export function communicator(): Communicator | null {
  return current;
}

/** Sets it; null: this process trains alone. */
export function useCommunicator(next: Communicator | null): void {
  current = next;
}

/** Runs code that this process alone runs, or that a smaller group does. */
export function withCommunicator<T>(other: Communicator | null, run: () => T): T {
  const before = current;
  current = other;
  try {
    return run();
  } finally {
    current = before;
  }
}
