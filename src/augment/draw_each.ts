import type { BatchCount } from "../core/host_batch.ts";

/**
 * Draws something for each image. For a part of a batch it is drawn for all of the batch, so
 * that no draw depends on how a batch is divided.
 */
export function drawEach<T>({ batchSize, part }: BatchCount, draw: () => T): T[] {
  const all = Array.from({ length: part?.batchSize ?? batchSize }, draw);
  return part === undefined ? all : all.filter((_, i) => part.indices.includes(i));
}
