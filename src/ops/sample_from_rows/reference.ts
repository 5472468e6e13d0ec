// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import { pcg4d } from "../../core/random.ts";
import type { Arrays, UniformsOf } from "../../gpu/kernel.ts";

/** Uniforms of a kernel that draws random numbers; `uniform_at.wgsl` reads them. */
export const SAMPLING_UNIFORMS = {
  seed: "u32",
  stream: "u32",
  forwardIndex: "u32",
} as const;

/** Which random numbers a kernel draws; `forwardIndex` counts forward passes. */
export type SamplingKey = UniformsOf<typeof SAMPLING_UNIFORMS>;

/** Columns whose nonzero elements are counted together. */
export const BLOCK_COLUMNS = 256;

/** Makes the random number in [0, 1) of every index. */
export function uniformGenerator(
  { seed, stream, forwardIndex }: SamplingKey,
): (index: number) => number {
  const words = new Uint32Array(4);
  return (index) => {
    words[0] = seed;
    words[1] = stream;
    words[2] = forwardIndex;
    words[3] = index;
    pcg4d(words);
    return (words[0]! >>> 8) * 2 ** -24;
  };
}

/** One of `count` integers, as a float32 product chooses it. */
export function randomInteger(count: number, uniform: number): number {
  return Math.min(Math.floor(Math.fround(uniform * count)), count - 1);
}

/** counts[r, b] = nonzero elements in block b of row r. */
export function countNonzeroReference(
  { mask, counts }: Arrays<"mask" | "counts">,
  { columns, blocks }: { readonly columns: number; readonly blocks: number },
): void {
  counts.fill(0);
  mask.forEach((element, i) => {
    if (element === 0) return;
    counts[Math.floor(i / columns) * blocks + Math.floor(i % columns / BLOCK_COLUMNS)]!++;
  });
}

/** index[r, j] = a random column in which row r is not zero; see `sample.wgsl`. */
export function sampleRowsReference(
  { mask, index }: Arrays<"mask" | "index">,
  { columns, samples, stratified, ...key }:
    & Readonly<Record<"columns" | "samples" | "stratified", number>>
    & SamplingKey,
): void {
  const uniformAt = uniformGenerator(key);
  for (let r = 0; r < index.length / samples; r++) {
    const nonzero: number[] = [];
    for (let c = 0; c < columns; c++) if (mask[r * columns + c] !== 0) nonzero.push(c);
    const n = nonzero.length;
    for (let j = 0; j < samples; j++) {
      const takesAll = stratified === 1 && n <= samples;
      const stratum = (k: number) => takesAll ? k : Math.floor(k * n / samples);
      const [from, end] = stratified === 1 ? [stratum(j), stratum(j + 1)] : [0, n];
      const k = from + randomInteger(end - from, uniformAt(r * samples + j));
      index[r * samples + j] = n === 0 ? -1 : nonzero[k] ?? -1;
    }
  }
}
