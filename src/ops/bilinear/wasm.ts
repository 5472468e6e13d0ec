/** Upsampled logits by the WebAssembly kernels. @module */
import type { WasmEngine } from "../../wasm/engine.ts";
import type { BilinearSizes } from "./bilinear.ts";

/** Where the kernels of upsampled logits find what they share. */
export interface UpsampledLogits {
  /** Address of the sizes. */
  readonly sizes: number;
  /** Address of the table of columns. */
  readonly taps: number;
  /** Address of a float64 per item. */
  readonly sums: number;
  /** Address of the lines. */
  readonly lines: number;
  /** Small rows of all images. */
  readonly items: number;
}

// As in src/wasm/assembly: six int32, and entries of a table of taps.
const SIZES_BYTES = 64;
const TAP_BYTES = 16;
const VECTOR_BYTES = 16;
const DOUBLE_BYTES = 8;

/** Prepares the workspace for logits [images, h, w, C] and `linesPerItem` lines per item. */
export function prepareUpsampledLogits(
  engine: WasmEngine,
  { height, width, channels, outHeight, outWidth, alignCorners }: BilinearSizes,
  images: number,
  linesPerItem: number,
): UpsampledLogits {
  const items = images * height;
  const pixelBytes = Math.ceil(channels / 4) * VECTOR_BYTES;
  const lineBytes = linesPerItem * width * pixelBytes;
  const tapsBytes = outWidth * TAP_BYTES;
  const sizes = engine.workspace(
    SIZES_BYTES + tapsBytes + items * (lineBytes + DOUBLE_BYTES),
  );
  const taps = sizes + SIZES_BYTES;
  const lines = taps + tapsBytes;
  const words = [height, width, channels, outHeight, outWidth, alignCorners];
  engine.writeWords(sizes, words);
  const axis = [width, outWidth, alignCorners, pixelBytes];
  engine.run("bilinearTaps", [taps, ...axis], outWidth);
  return { sizes, taps, lines, sums: lines + items * lineBytes, items };
}
