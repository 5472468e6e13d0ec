// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";
import { type DrawKey, uniformOf, wholeBelow } from "../row_draws/reference.ts";

/** Sizes of a bank and of what is compared with it. */
export interface BankSizes {
  /** D */
  readonly columns: number;
  /** Q */
  readonly queries: number;
  /** N */
  readonly negatives: number;
  /** S, entries per class. */
  readonly capacity: number;
  /** M, new entries per class at most. */
  readonly most: number;
}

/** index = random entries, as `draw.wgsl` says. */
export function drawEntriesReference(
  cursor: Cells,
  fresh: Cells,
  index: Cells,
  perClass: number,
  capacity: number,
  key: DrawKey,
): void {
  const uniform = uniformOf(key);
  for (let i = 0; i < index.length; i++) {
    const c = Math.floor(i / perClass);
    const [next, filled, added] = [cursor[3 * c]!, cursor[3 * c + 1]!, fresh[c]!];
    const n = Math.min(filled + added, capacity);
    const kept = n - added;
    const k = wholeBelow(n, uniform(i));
    if (n === 0) index[i] = -1;
    else if (k >= kept) index[i] = capacity + k - kept;
    else index[i] = (next + capacity - kept + k) % capacity;
  }
}

type Entries = readonly [positives: Cells, bank: Cells, keys: Cells, index: Cells];

// Calls back for every product with the array and the offset of its row.
function eachProduct(
  [positives, bank, keys, index]: Entries,
  queries: number,
  { columns, negatives, capacity, most, queries: Q }: BankSizes,
  visit: (query: number, product: number, rows: Cells, from: number) => void,
): void {
  for (let query = 0; query < queries; query++) {
    const c = Math.floor(query / Q);
    const first = query * (negatives + 1);
    visit(query, first, positives, c * columns);
    for (let k = 0; k < negatives; k++) {
      const v = index[query * negatives + k]!;
      if (v < 0) continue;
      if (v < capacity) visit(query, first + 1 + k, bank, (c * capacity + v) * columns);
      else visit(query, first + 1 + k, keys, (c * most + v - capacity) * columns);
    }
  }
}

/** out[c, q] = products of anchors[c, q] with its positive and its negatives. */
export function productsReference(
  anchors: Cells,
  entries: Entries,
  out: Cells,
  sizes: BankSizes,
): void {
  const { columns } = sizes;
  out.fill(0);
  eachProduct(entries, anchors.length / columns, sizes, (query, product, rows, from) => {
    let sum = 0;
    for (let d = 0; d < columns; d++) {
      sum += anchors[query * columns + d]! * rows[from + d]!;
    }
    out[product] = sum;
  });
}

/** da[c, q] = Σ dy · row over the products of a query. */
export function productsGradientReference(
  dy: Cells,
  entries: Entries,
  da: Cells,
  sizes: BankSizes,
): void {
  const { columns } = sizes;
  da.fill(0);
  eachProduct(entries, da.length / columns, sizes, (query, product, rows, from) => {
    const slope = dy[product]!;
    for (let d = 0; d < columns; d++) da[query * columns + d]! += slope * rows[from + d]!;
  });
}

/** bank[c, (next + j) mod S] = keys[c, j] for j < fresh[c]. */
export function enqueueReference(
  [keys, fresh, cursor]: readonly [Cells, Cells, Cells],
  bank: Cells,
  { columns, capacity, most }: Pick<BankSizes, "columns" | "capacity" | "most">,
): void {
  fresh.forEach((count, c) => {
    for (let j = 0; j < count; j++) {
      const place = (cursor[3 * c]! + j) % capacity;
      const from = (c * most + j) * columns;
      bank.set(keys.subarray(from, from + columns), (c * capacity + place) * columns);
    }
  });
}
