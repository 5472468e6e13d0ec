/** Convolutions by the WebAssembly kernels. @module */
import type { HeapArray, UniformsOf } from "../../gpu/kernel.ts";
import {
  MATRIX_TILE,
  MAX_GATHERED_CHANNELS,
  type WasmEngine,
} from "../../wasm/engine.ts";
import { type ConvSizes, gradientPadding } from "./conv_sizes.ts";
import { prefersWinograd, winogradConv2d, winogradFilterGradient } from "./winograd.ts";

const FLOAT = 4;

/** Taps along one axis: what they meet, and which taps of the filter they are. */
interface Taps {
  readonly count: number;
  /** The input pixel of the first tap at the first position. */
  readonly offset: number;
  /** From tap to tap, in input pixels. */
  readonly step: number;
  /** The first tap's index in the filter, and from tap to tap. */
  readonly index: number;
  readonly indexStep: number;
}

/** Input map and positions of a product of gathered rows, see `assembly/conv2d.ts`. */
interface Geometry {
  readonly x: HeapArray;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly rowTaps: Taps;
  readonly columnTaps: Taps;
  readonly step: number;
  readonly batch: number;
  readonly gridHeight: number;
  readonly gridWidth: number;
}

/** Whether the kernels can: else the reference loops do. */
export function canGather({ channels, columns }: ProductSizes): boolean {
  return Math.max(channels, columns) <= MAX_GATHERED_CHANNELS;
}

// In the order of the kernel's struct.
const wordsOf = (geometry: Geometry): readonly number[] => [
  geometry.x.address,
  geometry.height,
  geometry.width,
  geometry.channels,
  geometry.rowTaps.count,
  geometry.rowTaps.offset,
  geometry.rowTaps.step,
  geometry.columnTaps.count,
  geometry.columnTaps.offset,
  geometry.columnTaps.step,
  geometry.step,
  geometry.batch,
  geometry.gridHeight,
  geometry.gridWidth,
];
const GEOMETRY_BYTES = 64;

type Product = Readonly<Record<"left" | "right" | "bias" | "product", HeapArray>>;
type ProductSizes = ConvSizes & { readonly columns: number };

/** product = left ∗ right + bias. left [B, H, W, C], right [KH, KW, C, O] */
export function conv2dByWasm(
  engine: WasmEngine,
  { left, right, bias, product }: Product,
  sizes: ProductSizes,
  hasBias: boolean,
): void {
  const { channels: C, columns: N, outHeight, outWidth, kernelHeight } = sizes;
  const { kernelWidth, stride } = sizes;
  if (prefersWinograd(sizes)) {
    const arrays = { left, right, bias: hasBias ? bias : null, product };
    return winogradConv2d(engine, arrays, sizes, false);
  }
  convolve(engine, {
    geometry: {
      x: left,
      height: sizes.height,
      width: sizes.width,
      channels: C,
      rowTaps: allTaps(kernelHeight, sizes.paddingTop, sizes),
      columnTaps: allTaps(kernelWidth, sizes.paddingLeft, sizes),
      step: stride,
      batch: sizes.batch,
      gridHeight: outHeight,
      gridWidth: outWidth,
    },
    filter: right,
    filterTap: { bytes: FLOAT * C * N, row: FLOAT * N, column: FLOAT },
    filterColumns: kernelWidth,
    N,
    bias: hasBias ? bias : null,
    y: product,
    out: { height: outHeight, width: outWidth, step: 1, row: 0, column: 0 },
  });
}

/**
 * product = d(loss)/dx. left = dy [B, H, W, O], right = filter [KH, KW, C, O],
 * product [B, outHeight, outWidth, C]
 *
 * Input pixels whose coordinates have the same remainders by the stride see the same taps.
 */
export function conv2dInputGradientByWasm(
  engine: WasmEngine,
  { left, right, product }: Product,
  sizes: ProductSizes,
): void {
  const { channels: O, columns: C, outHeight, outWidth, stride } = sizes;
  const { kernelHeight, kernelWidth } = sizes;
  if (prefersWinograd(sizes)) {
    const [paddingTop, paddingLeft] = gradientPadding(sizes);
    const own = { ...sizes, paddingTop, paddingLeft };
    return winogradConv2d(engine, { left, right, bias: null, product }, own, true);
  }
  for (let row = 0; row < Math.min(stride, outHeight); row++) {
    for (let column = 0; column < Math.min(stride, outWidth); column++) {
      convolve(engine, {
        geometry: {
          x: left,
          height: sizes.height,
          width: sizes.width,
          channels: O,
          rowTaps: tapsOfClass(row, kernelHeight, sizes.paddingTop, sizes),
          columnTaps: tapsOfClass(column, kernelWidth, sizes.paddingLeft, sizes),
          step: 1,
          batch: sizes.batch,
          gridHeight: Math.ceil((outHeight - row) / stride),
          gridWidth: Math.ceil((outWidth - column) / stride),
        },
        filter: right,
        filterTap: { bytes: FLOAT * C * O, row: FLOAT, column: FLOAT * O },
        filterColumns: kernelWidth,
        N: C,
        bias: null,
        y: product,
        out: { height: outHeight, width: outWidth, step: stride, row, column },
      });
    }
  }
}

// Of a forward pass: every tap of the filter.
function allTaps(count: number, padding: number, { dilation }: ConvSizes): Taps {
  return { count, offset: -padding, step: dilation, index: 0, indexStep: 1 };
}

// Tap k brings input pixel `first` + u · stride to output u + (first + padding − k · dilation)
// / stride, where that is a whole number.
function tapsOfClass(
  first: number,
  kernel: number,
  padding: number,
  { stride, dilation }: ConvSizes,
): Taps {
  const met = Array.from({ length: kernel }, (_, k) => k)
    .filter((k) => (first + padding - k * dilation) % stride === 0);
  const [index = 0, next = index] = met;
  const output = (k: number) => (first + padding - k * dilation) / stride;
  return {
    count: met.length,
    offset: met.length === 0 ? 0 : output(index),
    step: output(next) - output(index),
    index,
    indexStep: next - index,
  };
}

function convolve(
  engine: WasmEngine,
  { geometry, filter, filterTap, filterColumns, N, bias, y, out }: {
    geometry: Geometry;
    /** [taps, …], each tap with these steps, in bytes. */
    filter: HeapArray;
    filterTap: { bytes: number; row: number; column: number };
    /** Taps of the filter side by side. */
    filterColumns: number;
    N: number;
    bias: HeapArray | null;
    y: HeapArray;
    /** Where positions are in y. */
    out: { height: number; width: number; step: number; row: number; column: number };
  },
): void {
  const { rowTaps, columnTaps, channels: C } = geometry;
  const panelCount = Math.ceil(N / MATRIX_TILE.columns);
  const tapBytes = FLOAT * MATRIX_TILE.columns * C;
  const panelBytes = rowTaps.count * columnTaps.count * tapBytes;
  const space = engine.workspace(GEOMETRY_BYTES + panelCount * panelBytes);
  const panels = space + GEOMETRY_BYTES;
  for (let i = 0; i < rowTaps.count; i++) {
    const firstTap = (rowTaps.index + i * rowTaps.indexStep) * filterColumns +
      columnTaps.index;
    engine.run(
      "packColumns",
      [
        panels + i * columnTaps.count * tapBytes,
        panelBytes,
        tapBytes,
        filter.address + firstTap * filterTap.bytes,
        filterTap.row,
        filterTap.column,
        columnTaps.indexStep * filterTap.bytes,
        C,
        N,
      ],
      columnTaps.count * panelCount,
    );
  }
  engine.writeWords(space, wordsOf(geometry));
  engine.run(
    "convolve",
    [
      space,
      panels,
      N,
      bias?.address ?? 0,
      y.address,
      out.height,
      out.width,
      out.step,
      out.row,
      out.column,
    ],
    Math.ceil(
      geometry.batch * geometry.gridHeight * geometry.gridWidth / MATRIX_TILE.rows,
    ),
    MATRIX_TILE.rowsAtATime / MATRIX_TILE.rows,
  );
}

/** dw = d(loss)/d(filter), in splits of rows. [splits, KH, KW, C, O] */
export function conv2dFilterGradientByWasm(
  engine: WasmEngine,
  { x, dy, dw }: Readonly<Record<"x" | "dy" | "dw", HeapArray>>,
  sizes: ProductSizes & UniformsOf<Record<"splits" | "rowsPerSplit", "u32">>,
): void {
  const { channels: C, columns: N, kernelHeight, kernelWidth } = sizes;
  const { batch, outHeight, outWidth, splits, rowsPerSplit } = sizes;
  if (splits === 1 && prefersWinograd(sizes)) {
    return winogradFilterGradient(engine, { x, dy, dw }, sizes);
  }
  const positions = batch * outHeight * outWidth;
  const panelCount = Math.ceil(N / MATRIX_TILE.columns);
  const panelBytes = FLOAT * MATRIX_TILE.columns * positions;
  const space = engine.workspace(GEOMETRY_BYTES + panelCount * panelBytes);
  const panels = space + GEOMETRY_BYTES;
  engine.run(
    "packColumns",
    [panels, panelBytes, 0, dy.address, FLOAT * N, FLOAT, 0, positions, N],
    panelCount,
  );
  engine.writeWords(
    space,
    wordsOf({
      x,
      height: sizes.height,
      width: sizes.width,
      channels: C,
      rowTaps: allTaps(kernelHeight, sizes.paddingTop, sizes),
      columnTaps: allTaps(kernelWidth, sizes.paddingLeft, sizes),
      step: sizes.stride,
      batch,
      gridHeight: outHeight,
      gridWidth: outWidth,
    }),
  );
  const tapCount = kernelHeight * kernelWidth;
  const [matrices, M] = gathersPatches(C, tapCount) ? [1, tapCount * C] : [tapCount, C];
  const tiles = Math.ceil(M / MATRIX_TILE.rows);
  const tilesPerItem = Math.min(
    MATRIX_TILE.rowsAtATime / MATRIX_TILE.rows,
    Math.max(1, Math.floor(matrices * tiles / (ITEMS_PER_THREAD * engine.threads))),
  );
  for (let split = 0; split < splits; split++) {
    const first = split * rowsPerSplit * outWidth;
    engine.run(
      "convolveFilterGradient",
      [
        space,
        panels + FLOAT * MATRIX_TILE.columns * first,
        panelBytes,
        N,
        dw.address + FLOAT * split * tapCount * C * N,
        tilesPerItem * MATRIX_TILE.rows,
        first,
        Math.min(rowsPerSplit * outWidth, positions - first),
      ],
      matrices * Math.ceil(tiles / tilesPerItem),
      1,
    );
  }
}

// Few large items: each reads all of dy.
const ITEMS_PER_THREAD = 2;

// As in the kernel.
const gathersPatches = (channels: number, taps: number) =>
  channels < 8 && taps * channels <= 512;
