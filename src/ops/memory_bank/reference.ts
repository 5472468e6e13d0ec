// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays, TypedArray, UniformsOf } from "../../gpu/kernel.ts";
import {
  randomInteger,
  type SamplingKey,
  uniformGenerator,
} from "../sample_from_rows/reference.ts";

/** D, Q, N, S (entries per class) and M (new entries per class at most). */
export const BANK_UNIFORMS = {
  columns: "u32",
  queries: "u32",
  negatives: "u32",
  capacity: "u32",
  maxNewKeys: "u32",
} as const;

type BankSizes = UniformsOf<typeof BANK_UNIFORMS>;

/** index = random entries; see `sample.wgsl`. */
export function sampleEntriesReference(
  { cursor, newCounts, index }: Arrays<"cursor" | "newCounts" | "index">,
  { perClass, capacity, ...key }:
    & Readonly<Record<"perClass" | "capacity", number>>
    & SamplingKey,
): void {
  const uniformAt = uniformGenerator(key);
  for (let i = 0; i < index.length; i++) {
    const c = Math.floor(i / perClass);
    const [next, filled, added] = [cursor[3 * c]!, cursor[3 * c + 1]!, newCounts[c]!];
    const n = Math.min(filled + added, capacity);
    const kept = n - added;
    const k = randomInteger(n, uniformAt(i));
    if (n === 0) index[i] = -1;
    else if (k >= kept) index[i] = capacity + k - kept;
    else index[i] = (next + capacity - kept + k) % capacity;
  }
}

type EntryArrays = Arrays<"positives" | "bank" | "keys" | "index">;

// Calls with every product: its query, its place, and the array and offset of its row.
function forEachSimilarity(
  { positives, bank, keys, index }: EntryArrays,
  queries: number,
  { columns, negatives, capacity, maxNewKeys, queries: Q }: BankSizes,
  visit: (query: number, product: number, rows: TypedArray, offset: number) => void,
): void {
  for (let query = 0; query < queries; query++) {
    const c = Math.floor(query / Q);
    const first = query * (negatives + 1);
    visit(query, first, positives, c * columns);
    for (let k = 0; k < negatives; k++) {
      const v = index[query * negatives + k]!;
      if (v < 0) continue;
      if (v < capacity) visit(query, first + 1 + k, bank, (c * capacity + v) * columns);
      else visit(query, first + 1 + k, keys, (c * maxNewKeys + v - capacity) * columns);
    }
  }
}

/** out[c, q] = products of anchors[c, q] with its positive and its negatives. */
export function similaritiesReference(
  { anchors, out, ...entries }: EntryArrays & Arrays<"anchors" | "out">,
  sizes: BankSizes,
): void {
  const { columns } = sizes;
  const queries = anchors.length / columns;
  out.fill(0);
  forEachSimilarity(entries, queries, sizes, (query, product, rows, offset) => {
    let sum = 0;
    for (let d = 0; d < columns; d++) {
      sum += anchors[query * columns + d]! * rows[offset + d]!;
    }
    out[product] = sum;
  });
}

/** da[c, q] = Σ dy · row over the products of a query. */
export function similaritiesGradientReference(
  { dy, da, ...entries }: EntryArrays & Arrays<"dy" | "da">,
  sizes: BankSizes,
): void {
  const { columns } = sizes;
  da.fill(0);
  forEachSimilarity(
    entries,
    da.length / columns,
    sizes,
    (query, product, rows, offset) => {
      const gradient = dy[product]!;
      for (let d = 0; d < columns; d++) {
        da[query * columns + d]! += gradient * rows[offset + d]!;
      }
    },
  );
}

/** bank[c, (next + j) mod S] = keys[c, j] for j < newCounts[c]. */
export function enqueueReference(
  { keys, newCounts, cursor, bank }: Arrays<"keys" | "newCounts" | "cursor" | "bank">,
  { columns, capacity, maxNewKeys }: Omit<BankSizes, "queries" | "negatives">,
): void {
  newCounts.forEach((count, c) => {
    for (let j = 0; j < count; j++) {
      const place = (cursor[3 * c]! + j) % capacity;
      const from = (c * maxNewKeys + j) * columns;
      bank.set(keys.subarray(from, from + columns), (c * capacity + place) * columns);
    }
  });
}
