/** Batch norm by the WebAssembly kernels. @module */
import type { HeapArrays } from "../../gpu/kernel.ts";
import type { WasmEngine } from "../../wasm/engine.ts";
import { rowItems, sumItems } from "../wasm_items.ts";

interface Rows {
  readonly rows: number;
  readonly columns: number;
}
type WithEpsilon = Rows & { readonly epsilon: number };

// Two float64 sums per column and item.
const SUM_BYTES = 2 * 8;

/** As `momentsReference`. */
export function momentsByWasm(
  engine: WasmEngine,
  { x, mean, variance }: HeapArrays<"x" | "mean" | "variance">,
  { rows, columns }: Rows,
): void {
  const items = rowItems(rows);
  const partial = engine.workspace(items * columns * SUM_BYTES);
  engine.run("sumMoments", [x.address, rows, columns, partial], items);
  engine.run(
    "finishMoments",
    [x.address, rows, columns, partial, items, mean.address, variance.address],
    sumItems(columns),
  );
}

/** As `normalizeReference`. */
export function normalizeByWasm(
  engine: WasmEngine,
  { x, mean, variance, scale, shift, y }: HeapArrays<
    "x" | "mean" | "variance" | "scale" | "shift" | "y"
  >,
  { columns, epsilon }: Omit<WithEpsilon, "rows">,
): void {
  const rows = x.length / columns;
  const moments = [mean.address, variance.address, scale.address, shift.address];
  const args = [x.address, rows, columns, ...moments, epsilon, y.address];
  engine.run("normalize", args, rowItems(rows));
}

/** As `batchNormScaleGradientReference`. */
export function batchNormScaleGradientByWasm(
  engine: WasmEngine,
  { x, mean, variance, dy, dscale, dshift }: HeapArrays<
    "x" | "mean" | "variance" | "dy" | "dscale" | "dshift"
  >,
  { rows, columns, epsilon }: WithEpsilon,
): void {
  const items = rowItems(rows);
  const partial = engine.workspace(items * columns * SUM_BYTES);
  const args = [x.address, dy.address, rows, columns, mean.address, partial];
  engine.run("sumNormGradients", args, items);
  engine.run(
    "finishNormGradients",
    [columns, partial, items, variance.address, epsilon, dscale.address, dshift.address],
    sumItems(columns),
  );
}

/** As `batchNormInputGradientReference`. */
export function batchNormInputGradientByWasm(
  engine: WasmEngine,
  { x, mean, variance, scale, dy, dscale, dshift, dx }: HeapArrays<
    "x" | "mean" | "variance" | "scale" | "dy" | "dscale" | "dshift" | "dx"
  >,
  { columns, epsilon }: Omit<WithEpsilon, "rows">,
): void {
  const rows = x.length / columns;
  const ofColumns = [mean, variance, scale, dscale, dshift].map(({ address }) => address);
  const args = [x.address, dy.address, rows, columns, ...ofColumns, epsilon, dx.address];
  engine.run("normInputGradient", args, rowItems(rows));
}
