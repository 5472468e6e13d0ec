/** Pools by the WebAssembly kernels. @module */
import type { HeapArrays } from "../../gpu/kernel.ts";
import type { WasmEngine } from "../../wasm/engine.ts";
import type { AveragePoolSizes, MaxPoolSizes } from "./reference.ts";

const SIZES_BYTES = 32;
// As in src/wasm/assembly/pool.ts.
const STRIP_CHANNELS = 16;

// Writes what the kernels know as Pool; returns its address.
function writeSizes(
  engine: WasmEngine,
  { height, width, channels, outHeight, outWidth, window, stride }: AveragePoolSizes,
  padding: number,
): number {
  const address = engine.workspace(SIZES_BYTES);
  const outputs = [outHeight, outWidth, window, stride, padding];
  engine.writeWords(address, [height, width, channels, ...outputs]);
  return address;
}

// Rows of all images.
const outputRows = (length: number, { outWidth, channels }: AveragePoolSizes) =>
  length / (outWidth * channels);
const inputRows = (length: number, { width, channels }: AveragePoolSizes) =>
  length / (width * channels);

/** As `maxPoolReference`. */
export function maxPoolByWasm(
  engine: WasmEngine,
  { x, y, indices }: HeapArrays<"x" | "y" | "indices">,
  sizes: MaxPoolSizes,
): void {
  const pool = writeSizes(engine, sizes, sizes.padding);
  const args = [pool, x.address, y.address, indices.address];
  engine.run("maxPool", args, outputRows(y.length, sizes));
}

/** As `maxPoolGradientReference`. */
export function maxPoolGradientByWasm(
  engine: WasmEngine,
  { dy, indices, dx }: HeapArrays<"dy" | "indices" | "dx">,
  sizes: MaxPoolSizes,
): void {
  const pool = writeSizes(engine, sizes, sizes.padding);
  const args = [pool, dy.address, indices.address, dx.address];
  const { height, width, channels } = sizes;
  const images = dx.length / (height * width * channels);
  engine.run("maxPoolGradient", args, images * Math.ceil(channels / STRIP_CHANNELS));
}

/** As `averagePoolReference`. */
export function averagePoolByWasm(
  engine: WasmEngine,
  { x, y }: HeapArrays<"x" | "y">,
  sizes: AveragePoolSizes,
): void {
  const pool = writeSizes(engine, sizes, 0);
  engine.run(
    "averagePool",
    [pool, x.address, y.address],
    outputRows(y.length, sizes),
  );
}

/** As `averagePoolGradientReference`. */
export function averagePoolGradientByWasm(
  engine: WasmEngine,
  { dy, dx }: HeapArrays<"dy" | "dx">,
  sizes: AveragePoolSizes,
): void {
  const pool = writeSizes(engine, sizes, 0);
  const args = [pool, dy.address, dx.address];
  engine.run("averagePoolGradient", args, inputRows(dx.length, sizes));
}
