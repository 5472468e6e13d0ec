/** What computes an iteration. @module */
import { fileURLToPath } from "node:url";

/** Ways to compute the same iteration; each runs in a process of its own. */
export const VARIANTS = {
  /** No kernel of ours: the import map puts stock operations in their place. */
  stock: [
    "--import-map",
    fileURLToPath(new URL("../stock/import_map.json", import.meta.url)),
  ],
  /** As a run computes it. */
  ours: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** The name of a variant. */
export type Variant = keyof typeof VARIANTS;

/** The variant that others are compared with. */
export const BASELINE: Variant = "stock";

/** Checks names. @throws {RangeError} If one is unknown. */
export function variantsOf(names: readonly string[]): Variant[] {
  const known = Object.keys(VARIANTS) as Variant[];
  if (names.length === 0) return known;
  return names.map((name) => {
    const variant = known.find((one) => one === name);
    if (variant !== undefined) return variant;
    throw new RangeError(`Cannot measure "${name}": known are ${known.join(" and ")}`);
  });
}
