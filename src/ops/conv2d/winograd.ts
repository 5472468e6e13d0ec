/** Convolutions of 3 × 3 taps and stride 1 by Winograd's algorithm in WebAssembly. @module */
import type { HeapArray } from "../../gpu/kernel.ts";
import {
  MATRIX_TILE,
  MAX_GATHERED_CHANNELS,
  type WasmEngine,
} from "../../wasm/engine.ts";
import type { ConvSizes } from "./conv_sizes.ts";

const FLOAT = 4;
const PLACES = 16;
const TAPS = 9;
const TILES_AT_A_TIME = 48;
const TERMS_AT_A_TIME = 128;
const STRUCT_BYTES = 64;
/** Gradients of outputs are transformed in parts of so many bytes. */
const MAX_PANEL_BYTES = 16 * 2 ** 20;

/** What the transforms of a tile cost, as a share of its products. */
const TRANSFORMS = 1.25;
/** Below so many channels, transforms would cost more than products. */
const MIN_CHANNELS = 16;

/** The tiles of the outputs of a convolution, per image and axis. */
function tilesOf({ outHeight, outWidth, dilation }: ConvSizes) {
  const along = (side: number) => dilation * Math.ceil(Math.ceil(side / dilation) / 2);
  return { tileRows: along(outHeight), tileColumns: along(outWidth) };
}

/**
 * Whether Winograd's algorithm applies and takes fewer multiplications.
 *
 * @param columns Channels of the result.
 */
export function prefersWinograd(
  sizes: ConvSizes & { readonly columns: number },
): boolean {
  const { kernelHeight, kernelWidth, stride, channels, columns } = sizes;
  if (kernelHeight !== 3 || kernelWidth !== 3 || stride !== 1) return false;
  if (channels % 4 !== 0 || columns % 4 !== 0) return false;
  const { tileRows, tileColumns } = tilesOf(sizes);
  return Math.min(channels, columns) >= MIN_CHANNELS &&
    channels <= MAX_GATHERED_CHANNELS &&
    TRANSFORMS * PLACES * tileRows * tileColumns <
      TAPS * sizes.outHeight * sizes.outWidth;
}

// In the order of the kernels' struct `Tiling`.
const wordsOf = (
  map: HeapArray,
  [height, width, channels]: readonly [number, number, number],
  dilation: number,
  offset: readonly [number, number],
  { tileRows, tileColumns }: ReturnType<typeof tilesOf>,
) => [map.address, height, width, channels, dilation, ...offset, tileRows, tileColumns];

// Where the first tap of the first output lies.
const offsetOf = ({ paddingTop, paddingLeft }: ConvSizes) =>
  [-paddingTop, -paddingLeft] as const;

/**
 * product = left ∗ right + bias.
 *
 * @param sizes Of a convolution of stride 1; with zeros in front of rows and columns.
 * @param turned Whether the filter is [3, 3, O, C], turned by half and transposed: then
 * the result is the input gradient of the convolution with it.
 */
export function winogradConv2d(
  engine: WasmEngine,
  { left, right, bias, product }: Readonly<
    Record<"left" | "right" | "product", HeapArray> & { bias: HeapArray | null }
  >,
  sizes: ConvSizes & { readonly columns: number },
  turned: boolean,
): void {
  const { batch, height, width, channels: C, outHeight, outWidth, columns: N } = sizes;
  const grid = tilesOf(sizes);
  const tiles = batch * grid.tileRows * grid.tileColumns;
  const panelCount = Math.ceil(N / MATRIX_TILE.columns);
  const panelBytes = FLOAT * MATRIX_TILE.columns * C;
  const matrixBytes = panelCount * panelBytes;
  const x = engine.workspace(2 * STRUCT_BYTES + (TAPS + PLACES) * matrixBytes);
  const y = x + STRUCT_BYTES;
  const taps = y + STRUCT_BYTES;
  const filters = taps + TAPS * matrixBytes;
  const tapBytes = FLOAT * C * N;
  engine.run(
    "packColumns",
    [
      taps,
      panelBytes,
      matrixBytes,
      right.address + (turned ? (TAPS - 1) * tapBytes : 0),
      turned ? FLOAT : FLOAT * N,
      turned ? FLOAT * C : FLOAT,
      turned ? -tapBytes : tapBytes,
      C,
      N,
    ],
    TAPS * panelCount,
  );
  engine.run("winogradFilters", [filters, taps, matrixBytes], matrixBytes / 16);
  engine.writeWords(
    x,
    wordsOf(left, [height, width, C], sizes.dilation, offsetOf(sizes), grid),
  );
  engine.writeWords(
    y,
    wordsOf(product, [outHeight, outWidth, N], sizes.dilation, [0, 0], grid),
  );
  engine.run(
    "winograd",
    [x, y, filters, bias?.address ?? 0, tiles],
    Math.ceil(tiles / TILES_AT_A_TIME),
    1,
  );
}

/** dw = d(loss)/d(filter). [3, 3, C, O] */
export function winogradFilterGradient(
  engine: WasmEngine,
  { x, dy, dw }: Readonly<Record<"x" | "dy" | "dw", HeapArray>>,
  sizes: ConvSizes & { readonly columns: number },
): void {
  const { batch, height, width, channels: C, outHeight, outWidth, columns: N } = sizes;
  const grid = tilesOf(sizes);
  const tiles = batch * grid.tileRows * grid.tileColumns;
  const panelCount = Math.ceil(N / MATRIX_TILE.columns);
  const bytesPerTile = FLOAT * MATRIX_TILE.columns * panelCount * PLACES;
  const tilesPerPart = Math.min(
    tiles,
    TERMS_AT_A_TIME * Math.ceil(MAX_PANEL_BYTES / bytesPerTile / TERMS_AT_A_TIME),
  );
  const matrixBytes = FLOAT * C * N;
  const input = engine.workspace(
    2 * STRUCT_BYTES + PLACES * matrixBytes + tilesPerPart * bytesPerTile,
  );
  const output = input + STRUCT_BYTES;
  const gradients = output + STRUCT_BYTES;
  const panels = gradients + PLACES * matrixBytes;
  const { dilation } = sizes;
  engine.writeWords(
    input,
    wordsOf(x, [height, width, C], dilation, offsetOf(sizes), grid),
  );
  engine.writeWords(
    output,
    wordsOf(dy, [outHeight, outWidth, N], dilation, [0, 0], grid),
  );
  const rowsPerItem = Math.min(
    MAX_ROWS,
    ROW_UNIT * Math.max(1, Math.floor(C / ROW_UNIT / (2 * engine.threads))),
  );
  for (let first = 0; first < tiles; first += tilesPerPart) {
    const count = Math.min(tilesPerPart, tiles - first);
    engine.run("winogradOutputGradients", [output, panels, first, count], panelCount);
    engine.run(
      "winogradFilterGradient",
      [input, panels, N, gradients, first, count, Number(first > 0), rowsPerItem],
      Math.ceil(C / rowsPerItem),
      1,
    );
  }
  engine.run("winogradTaps", [dw.address, gradients, matrixBytes], matrixBytes / 16);
}

// Channels of an item: whole vectors and whole tiles of rows.
const ROW_UNIT = 12;
const MAX_ROWS = 96;
