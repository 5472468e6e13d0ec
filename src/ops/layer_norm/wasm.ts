/** Layer norm by the WebAssembly kernels. @module */
import type { HeapArrays } from "../../gpu/kernel.ts";
import type { WasmEngine } from "../../wasm/engine.ts";
import { rowItems, sumItems } from "../wasm_items.ts";

const DOUBLE_BYTES = 8;

/** As `layerNormReference`. */
export function layerNormByWasm(
  engine: WasmEngine,
  { x, scale, shift, y, moments }: HeapArrays<"x" | "scale" | "shift" | "y" | "moments">,
  { columns, epsilon }: { readonly columns: number; readonly epsilon: number },
): void {
  const rows = x.length / columns;
  const affine = [scale.address, shift.address, epsilon];
  const args = [x.address, rows, columns, ...affine, y.address, moments.address];
  engine.run("layerNorm", args, rowItems(rows));
}

/** As `layerNormGradientsReference`. */
export function layerNormGradientsByWasm(
  engine: WasmEngine,
  { x, scale, moments, dy, dx, dscale, dshift }: HeapArrays<
    "x" | "scale" | "moments" | "dy" | "dx" | "dscale" | "dshift"
  >,
  { columns }: { readonly columns: number },
): void {
  const rows = x.length / columns;
  const items = rowItems(rows);
  // Per item and column one term of dscale and one of dshift.
  const partial = engine.workspace(items * 2 * columns * DOUBLE_BYTES);
  const arrays = [scale, moments, dx].map(({ address }) => address);
  const args = [x.address, dy.address, rows, columns, ...arrays, partial];
  engine.run("layerNormGradients", args, items);
  for (const [i, { address }] of [dscale, dshift].entries()) {
    const from = partial + i * columns * DOUBLE_BYTES;
    const args = [from, items, 2 * columns, columns, address];
    engine.run("addBlocks", args, sumItems(columns));
  }
}
