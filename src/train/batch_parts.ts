/** What a rank finds out of batches besides its parts of them. @module */
import { labelValues as valuesOf } from "../augment/class_mix.ts";
import { type HostBatch, IGNORE_INDEX } from "../core/host_batch.ts";
import { communicator, futureGroups, inFutureGroup, partIndices } from "../core/ranks.ts";

/** Bits for all label values, in the words of an image. */
const WORDS = (IGNORE_INDEX + 1) / 32;

/**
 * Tells the ranks which values the labels of all images have, on which the draws of mixing
 * depend.
 *
 * @param parts Of the batches of an iteration, those of this rank.
 * @param accumulationSteps Micro-batches per batch.
 * @returns The same with what is known of their batches.
 */
export function withBatchParts(
  parts: readonly HostBatch[],
  accumulationSteps: number,
): readonly HostBatch[] {
  const [real, ...futures] = parts;
  if (futureGroups() === null || real === undefined) {
    return withPart(parts, accumulationSteps);
  }
  return [
    ...withPart([real], accumulationSteps),
    ...inFutureGroup(() => withPart(futures, accumulationSteps)),
  ];
}

function withPart(
  parts: readonly HostBatch[],
  accumulationSteps: number,
): readonly HostBatch[] {
  const ranks = communicator();
  if (ranks === null) return parts;
  const own = parts.flatMap(({ source: { labels }, batchSize }) =>
    valuesOf(labels, batchSize).flatMap(bitsOf)
  );
  const words = Uint32Array.from(own);
  const ofAll = new Uint32Array(ranks.gather(new Float32Array(words.buffer)).buffer);
  let firstImage = 0;
  return parts.map((part) => {
    const batchSize = ranks.size * part.batchSize;
    const indicesOf = (rank: number) => partIndices(batchSize, accumulationSteps, rank);
    const labelValues: number[][] = [];
    for (let rank = 0; rank < ranks.size; rank++) {
      for (const [i, index] of indicesOf(rank).entries()) {
        const start = rank * own.length + (firstImage + i) * WORDS;
        labelValues[index] = valuesIn(ofAll.subarray(start));
      }
    }
    firstImage += part.batchSize;
    return { ...part, part: { indices: indicesOf(ranks.rank), batchSize, labelValues } };
  });
}

function bitsOf(values: readonly number[]): number[] {
  const words = new Uint32Array(WORDS);
  for (const value of values) {
    words[value >>> 5] = (words[value >>> 5] ?? 0) | 1 << (value & 31);
  }
  return [...words];
}

function valuesIn(words: Uint32Array): number[] {
  return Array.from({ length: 32 * WORDS }, (_, value) => value)
    .filter((value) => (words[value >>> 5] ?? 0) >>> (value & 31) & 1);
}
