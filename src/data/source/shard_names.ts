/** Names of shards: `{000000..000012}` stands for thirteen names. @module */

/** More than any data set has; a slip of a digit is noticed. */
const MOST_SHARDS = 100_000;

const RANGE = /\{(\d+)\.\.(\d+)\}/;

/** Whether a path or address stands for several. */
export const isPattern = (path: string): boolean => RANGE.test(path);

/**
 * Writes out the ranges of a path or address, as shells do.
 *
 * @returns Itself where there is no range.
 * @throws {RangeError} If a range runs backwards or is too long.
 */
export function shardNames(pattern: string): string[] {
  const [range, from = "", to = ""] = RANGE.exec(pattern) ?? [];
  if (range === undefined) return [pattern];
  const [first, last] = [Number(from), Number(to)];
  if (last < first || last - first >= MOST_SHARDS) {
    throw new RangeError(
      `Cannot use the shards "${pattern}": "${range}" must count upwards, over at most ` +
        `${MOST_SHARDS} names`,
    );
  }
  const width = from.startsWith("0") ? from.length : 0;
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const number = String(first + i).padStart(width, "0");
    return pattern.replace(range, number);
  }).flatMap(shardNames);
}
