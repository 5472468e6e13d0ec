// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import { pcg4d } from "../../core/random.ts";
import type { Cells } from "../kernel.ts";

/** The uniforms of the dropout kernel. */
export interface DropoutSizes {
  readonly outer: number;
  readonly inner: number;
  /** Units of the batch before those of x. */
  readonly before: number;
  readonly seed: number;
  readonly stream: number;
  readonly iteration: number;
  readonly rate: number;
}

/** factors[unit] = 1 / (1 − rate) where the unit survives, else 0. */
export function dropoutFactors(
  factors: Cells,
  { before, seed, stream, iteration, rate }: Omit<DropoutSizes, "outer" | "inner">,
): void {
  const words = new Uint32Array(4);
  const least = Math.fround(rate);
  for (let unit = 0; unit < factors.length; unit++) {
    words[0] = seed;
    words[1] = stream;
    words[2] = iteration;
    words[3] = before + unit;
    pcg4d(words);
    factors[unit] = (words[0]! >>> 8) * 2 ** -24 >= least ? 1 / (1 - rate) : 0;
  }
}
