// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import { pcg4d } from "../../core/random.ts";
import type { Cells } from "../kernel.ts";

/** The uniforms of the dropout kernel. */
export interface DropoutSizes {
  readonly outer: number;
  readonly inner: number;
  readonly seed: number;
  readonly stream: number;
  readonly iteration: number;
  readonly rate: number;
}

/** out = x / (1 − rate) where the unit survives, else 0. */
export function dropoutReference(x: Cells, out: Cells, sizes: DropoutSizes): void {
  const { outer, inner, seed, stream, iteration, rate } = sizes;
  const units = outer === 1 ? x.length : Math.ceil(x.length / outer) * inner;
  const factors = new Float32Array(units);
  const words = new Uint32Array(4);
  for (let unit = 0; unit < units; unit++) {
    words.set([seed, stream, iteration, unit]);
    pcg4d(words);
    factors[unit] = (words[0]! >>> 8) * 2 ** -24 >= Math.fround(rate)
      ? 1 / (1 - rate)
      : 0;
  }
  for (let i = 0; i < x.length; i++) {
    out[i] = x[i]! * factors[Math.floor(i / outer) * inner + i % inner]!;
  }
}
