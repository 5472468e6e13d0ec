/** Some of many, where looking at all takes too long. @module */

/** Indices of at most so many of a number of things, evenly spread, in order. */
export function evenlySpacedIndices(count: number, most: number): number[] {
  const chosen = Math.min(most, count);
  return Array.from({ length: chosen }, (_, i) => Math.floor(i * count / chosen));
}
