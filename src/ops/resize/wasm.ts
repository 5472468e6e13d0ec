/** Resizing by the WebAssembly kernels. @module */
import type { HeapArrays } from "../../gpu/kernel.ts";
import type { WasmEngine } from "../../wasm/engine.ts";
import type { BilinearSizes } from "../bilinear/bilinear.ts";
import type { MapSizes } from "../map_sizes.ts";

const FLOAT_BYTES = 4;
const TAP_BYTES = 16; // as in src/wasm/assembly/bilinear.ts

// Writes what every column of the output reads; returns the table's address.
function writeTaps(
  engine: WasmEngine,
  { width, channels, outWidth, alignCorners }: BilinearSizes,
): number {
  const taps = engine.workspace(outWidth * TAP_BYTES);
  const pixelBytes = channels * FLOAT_BYTES;
  engine.run("bilinearTaps", [taps, width, outWidth, alignCorners, pixelBytes], outWidth);
  return taps;
}

// Rows of all images.
const outputRows = (length: number, { outWidth, channels }: MapSizes) =>
  length / (outWidth * channels);
const inputRows = (length: number, { width, channels }: MapSizes) =>
  length / (width * channels);

/** As `resizeBilinearReference`. */
export function resizeBilinearByWasm(
  engine: WasmEngine,
  { x, y }: HeapArrays<"x" | "y">,
  sizes: BilinearSizes,
): void {
  const { height, width, channels, outHeight, outWidth, alignCorners } = sizes;
  const taps = writeTaps(engine, sizes);
  engine.run(
    "resizeBilinear",
    [x.address, height, width, channels, alignCorners, taps]
      .concat(y.address, outHeight, outWidth),
    outputRows(y.length, sizes),
  );
}

/** As `resizeBilinearGradientReference`. */
export function resizeBilinearGradientByWasm(
  engine: WasmEngine,
  { dy, dx }: HeapArrays<"dy" | "dx">,
  sizes: BilinearSizes,
): void {
  const { height, width, channels, outHeight, outWidth, alignCorners } = sizes;
  const taps = writeTaps(engine, sizes);
  engine.run(
    "resizeBilinearGradient",
    [dy.address, outHeight, outWidth, channels, alignCorners, taps]
      .concat(dx.address, height, width),
    inputRows(dx.length, sizes),
  );
}

/** As `resizeNearestReference`. */
export function resizeNearestByWasm(
  engine: WasmEngine,
  { x, y }: HeapArrays<"x" | "y">,
  sizes: MapSizes,
): void {
  const { height, width, channels, outHeight, outWidth } = sizes;
  const args = [x.address, height, width, channels, y.address, outHeight, outWidth];
  engine.run("resizeNearest", args, outputRows(y.length, sizes));
}

/** As `resizeNearestGradientReference`. */
export function resizeNearestGradientByWasm(
  engine: WasmEngine,
  { dy, dx }: HeapArrays<"dy" | "dx">,
  sizes: MapSizes,
): void {
  const { height, width, channels, outHeight, outWidth } = sizes;
  const args = [dy.address, outHeight, outWidth, channels, dx.address, height, width];
  engine.run("resizeNearestGradient", args, inputRows(dx.length, sizes));
}
