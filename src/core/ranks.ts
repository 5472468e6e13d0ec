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

/** How many processes train together; 1 for one that trains alone. */
export function rankCount(): number {
  return current?.size ?? 1;
}

/**
 * Where this rank's part of a batch begins that is not divided into micro-batches.
 *
 * @param partSize Images of a part.
 */
export function partStart(partSize: number): number {
  return partSize * (current?.rank ?? 0);
}

/**
 * The indices in a batch of the images that a rank has: an equal part of each micro-batch, so
 * that a micro-batch has the same images for any number of ranks.
 */
export function partIndices(
  batchSize: number,
  accumulationSteps: number,
  rank: number = current?.rank ?? 0,
): number[] {
  const microBatch = batchSize / accumulationSteps;
  const own = microBatch / rankCount();
  return Array.from(
    { length: own * accumulationSteps },
    (_, i) => Math.floor(i / own) * microBatch + rank * own + i % own,
  );
}

/** Whether something is so on one of the ranks at least. */
export async function isTrueOnAnyRank(isSo: boolean): Promise<boolean> {
  if (current === null) return isSo;
  const count = Float32Array.of(isSo ? 1 : 0);
  await current.sumAsync(count);
  return (count[0] ?? 0) > 0;
}

/** What rank 0 finds out, as plain JSON, for all; others do not run the code. */
export async function fromRankZero<T>(find: () => Promise<T>): Promise<T> {
  if (current === null) return await find();
  const isFirst = current.rank === 0;
  const text = isFirst ? JSON.stringify(await find()) : "";
  const bytes = isFirst ? new TextEncoder().encode(text) : null;
  return JSON.parse(new TextDecoder().decode(await current.broadcast(bytes)));
}

let sharesStatistics = true;

/** Whether the moments of batch norm are those of all ranks. */
export function sharesBatchStatistics(): boolean {
  return current !== null && sharesStatistics;
}

/** Sets whether they are; else each rank has those of its part of the batch. */
export function shareBatchStatistics(next: boolean): void {
  sharesStatistics = next;
}

/** Futures that are averaged, each computed by a group of ranks. */
export interface FutureGroups {
  /** The number of this rank's future, 0 … N − 1. */
  readonly own: number;
  /** N */
  readonly count: number;
  /** What this rank's group exchanges data by. */
  readonly communicator: Communicator;
}

let groups: FutureGroups | null = null;

/** How futures are divided among groups of ranks; null: all ranks compute all of them. */
export function futureGroups(): FutureGroups | null {
  return groups;
}

/**
 * Divides futures among groups of ranks, which are equally large.
 *
 * @param count N; null: all ranks compute all futures.
 * @throws {RangeError} If the number of ranks is no multiple of it.
 */
export function divideFutures(count: number | null): void {
  if (count === null || current === null) {
    groups = null;
    return;
  }
  if (current.size % count !== 0) {
    throw new RangeError(
      `Cannot divide ${count} futures among ${current.size} ranks: their number must be a ` +
        'multiple of "method.lookAhead.width"',
    );
  }
  const own = Math.floor(current.rank / (current.size / count));
  groups = { own, count, communicator: current.split(own) };
}

/**
 * The numbers of the batches of the futures that this rank computes, counted from 1.
 *
 * @param width N
 */
export function futureBatchIndices(width: number): number[] {
  if (width < 2) return [];
  const all = Array.from({ length: width }, (_, i) => i + 1);
  return groups === null ? all : [groups.own + 1];
}

/** Runs what the ranks do for one future, in a group if futures are divided. */
export function inFutureGroup<T>(run: () => T): T {
  return groups === null ? run() : withCommunicator(groups.communicator, run);
}
