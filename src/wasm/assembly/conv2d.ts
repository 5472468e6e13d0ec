/**
 * Convolutions as products whose rows are gathered (implicit GEMM): no patches are stored.
 *
 * A tap of the filter is a matrix [C, N] that is applied to the pixels it meets. Taps form a
 * grid: tap (i, j) meets output position (u, v) at the input pixel
 * (u · step + rowOffset + i · rowStep, v · step + columnOffset + j · columnStep), or zeros
 * outside of the map. So one kernel computes convolutions of any stride and dilation, and
 * their input gradients: with stride 1 that of dy with the turned filter, with stride s one
 * for each of the s² classes of input pixels, which see different taps.
 */
import {
  CHUNK,
  copyFew,
  copySix,
  fillRows,
  KC,
  MR,
  multiplyPanels,
  multiplyRows,
  PACKED_ROWS,
  packRows,
  ROW_LIST,
} from "./gemm";

const FLOAT: usize = 4;

/** After the packed rows: C zeros. */
export const ZEROS: usize = PACKED_ROWS + FLOAT * CHUNK * KC;
const ZEROS_BYTES: usize = 1 << 16;
/** Then patches, or the results of a chunk that are scattered. */
export const GATHERED: usize = ZEROS + ZEROS_BYTES;
const GATHERED_BYTES: i32 = (1 << 20) - <i32> GATHERED;

/** Below so many channels, patches are gathered: the sum over one tap would be too short. */
const MIN_CHANNELS: i32 = 8;
const MAX_PATCH: i32 = 512;

/** What meets what; the words that the caller writes, in this order. */
@unmanaged
class Geometry {
  /** [batch, height, width, C] */
  x: usize;
  height: i32;
  width: i32;
  C: i32;
  tapRows: i32;
  rowOffset: i32;
  rowStep: i32;
  tapColumns: i32;
  columnOffset: i32;
  columnStep: i32;
  /** From position to position, in input pixels. */
  step: i32;
  batch: i32;
  gridHeight: i32;
  gridWidth: i32;
}

/** Whether the patches of few channels are gathered. */
function gathersPatches(g: Geometry): bool {
  return g.C < MIN_CHANNELS && g.tapRows * g.tapColumns * g.C <= MAX_PATCH;
}

/** A position of the grid, and the next ones. */
let image: i32 = 0;
let u: i32 = 0;
let v: i32 = 0;

function startAt(g: Geometry, position: i32): void {
  v = position % g.gridWidth;
  u = position / g.gridWidth % g.gridHeight;
  image = position / g.gridWidth / g.gridHeight;
}

function advance(g: Geometry): void {
  if (++v < g.gridWidth) return;
  v = 0;
  if (++u < g.gridHeight) return;
  u = 0;
  image++;
}

/** The pixel that tap (i, j) meets at the position, or 0 outside of the map. */
function pixelOf(g: Geometry, i: i32, j: i32): usize {
  const row = u * g.step + g.rowOffset + i * g.rowStep;
  const column = v * g.step + g.columnOffset + j * g.columnStep;
  return <u32> row < <u32> g.height && <u32> column < <u32> g.width
    ? g.x + <usize> ((image * g.height + row) * g.width + column) * <usize> g.C * FLOAT
    : 0;
}

/** Of the pixels listed last, those from the first to the last inside of the map. */
let insideBegin: i32 = 0;
let insideEnd: i32 = 0;

/** Lists the pixels that a tap meets at some positions, and zeros for one tile more. */
function listPixels(
  g: Geometry,
  i: i32,
  j: i32,
  position: i32,
  count: i32,
  scratch: usize,
): void {
  const zeros = scratch + ZEROS;
  let list = scratch + ROW_LIST;
  insideBegin = count;
  insideEnd = 0;
  startAt(g, position);
  for (let r: i32 = 0; r < count; r++) {
    const pixel = pixelOf(g, i, j);
    if (pixel !== 0) {
      insideBegin = min(insideBegin, r);
      insideEnd = r + 1;
    }
    store<u32>(list, <u32> (pixel === 0 ? zeros : pixel));
    list += FLOAT;
    advance(g);
  }
  for (let r: i32 = 0; r < MR; r++) store<u32>(list + FLOAT * <usize> r, <u32> zeros);
}

/** The patches of some positions: [count][taps][C] */
function gatherPatches(g: Geometry, to: usize, position: i32, count: i32): void {
  const bytes = FLOAT * <usize> g.C;
  startAt(g, position);
  for (let r: i32 = 0; r < count; r++) {
    for (let i: i32 = 0; i < g.tapRows; i++) {
      for (let j: i32 = 0; j < g.tapColumns; j++) {
        const pixel = pixelOf(g, i, j);
        for (let c: usize = 0; c < bytes; c += FLOAT) {
          store<f32>(to + c, pixel === 0 ? 0 : load<f32>(pixel + c));
        }
        to += bytes;
      }
    }
    advance(g);
  }
}

/**
 * y[b, u · outStep + outRow, v · outStep + outColumn, n] = Σ over taps and c of
 *   x[b, pixel of the tap at (u, v), c] · panel[tap, c, n] (+ bias[n])
 *
 * Items are tiles of 6 positions (b, u, v).
 *
 * @param panels The filter, packed by `packColumns` with K = taps · C.
 * @param bias N floats, or 0.
 */
export function convolve(
  g: Geometry,
  panels: usize,
  N: i32,
  bias: usize,
  y: usize,
  outHeight: i32,
  outWidth: i32,
  outStep: i32,
  outRow: i32,
  outColumn: i32,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const last = min(end * MR, g.batch * g.gridHeight * g.gridWidth);
  const ldc = FLOAT * <usize> N;
  const isScattered = outStep > 1;
  const perChunk = isScattered
    ? min(CHUNK, max(1, GATHERED_BYTES / <i32> ldc / MR) * MR)
    : CHUNK;
  memory.fill(scratch + ZEROS, 0, FLOAT * <usize> g.C);
  for (let m = begin * MR; m < last; m += perChunk) {
    const rows = min(perChunk, last - m);
    const to = isScattered ? scratch + GATHERED : y + <usize> m * ldc;
    if (gathersPatches(g) && !isScattered) {
      multiplyPatches(g, m, rows, panels, to, N, bias, scratch);
    } else {
      multiplyTaps(g, m, rows, panels, to, N, bias, scratch);
    }
    if (!isScattered) continue;
    startAt(g, m);
    for (let r: i32 = 0; r < rows; r++) {
      const pixel = (image * outHeight + u * outStep + outRow) * outWidth +
        v * outStep + outColumn;
      memory.copy(y + <usize> pixel * ldc, to + <usize> r * ldc, ldc);
      advance(g);
    }
  }
}

/** Tap by tap, where pixels lie. */
function multiplyTaps(
  g: Geometry,
  m: i32,
  rows: i32,
  panels: usize,
  to: usize,
  N: i32,
  bias: usize,
  scratch: usize,
): void {
  const C = g.C;
  const ldc = FLOAT * <usize> N;
  const panelBytes = <usize> (g.tapRows * g.tapColumns * C) * 32;
  if (bias !== 0) fillRows(to, ldc, bias, rows, N);
  else memory.fill(to, 0, <usize> rows * ldc);
  for (let i: i32 = 0; i < g.tapRows; i++) {
    for (let j: i32 = 0; j < g.tapColumns; j++) {
      listPixels(g, i, j, m, rows, scratch);
      if (insideBegin >= insideEnd) continue;
      // Whole tiles, so that rows before and after meet nothing but zeros.
      const begin = insideBegin / MR * MR;
      const list = scratch + ROW_LIST + FLOAT * <usize> begin;
      const tap = i * g.tapColumns + j;
      for (let k: i32 = 0; k < C; k += KC) {
        const block = panels + <usize> (tap * C + k) * 32;
        multiplyRows(
          list, FLOAT * <usize> k, block, panelBytes, to + <usize> begin * ldc, ldc,
          insideEnd - begin, N, min(KC, C - k), true, scratch,
        );
      }
    }
  }
}

/** All taps at once, of patches. */
function multiplyPatches(
  g: Geometry,
  m: i32,
  rows: i32,
  panels: usize,
  to: usize,
  N: i32,
  bias: usize,
  scratch: usize,
): void {
  if (bias !== 0) fillRows(to, FLOAT * <usize> N, bias, rows, N);
  const K = g.tapRows * g.tapColumns * g.C;
  const patches = scratch + GATHERED;
  gatherPatches(g, patches, m, rows);
  for (let r: i32 = 0; r < rows + MR; r++) {
    const at = patches + <usize> min(r, rows - 1) * FLOAT * <usize> K;
    store<u32>(scratch + ROW_LIST + FLOAT * <usize> r, <u32> at);
  }
  for (let k: i32 = 0; k < K; k += KC) {
    multiplyRows(
      scratch + ROW_LIST, FLOAT * <usize> k, panels + <usize> k * 32, <usize> K * 32, to,
      FLOAT * <usize> N, rows, N, min(KC, K - k), bias !== 0 || k > 0, scratch,
    );
  }
}

/**
 * dw[tap, c, n] = Σ over positions of x[pixel of the tap, c] · dy[position, n]
 *
 * Items are chunks of `rowsPerItem` rows of dw: of the C channels of one tap after the
 * other, or, where patches are gathered, of all taps · C rows.
 *
 * @param panels dy [positions, N], packed by `packColumns`.
 * @param rowsPerItem At most 96.
 * @param first The first position, and how many follow.
 */
export function convolveFilterGradient(
  g: Geometry,
  panels: usize,
  panelBytes: usize,
  N: i32,
  dw: usize,
  rowsPerItem: i32,
  first: i32,
  positions: i32,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const ldc = FLOAT * <usize> N;
  const isGathered = gathersPatches(g);
  const M = isGathered ? g.tapRows * g.tapColumns * g.C : g.C;
  const perTap = (M + rowsPerItem - 1) / rowsPerItem;
  const perBlock = isGathered ? CHUNK : KC;
  memory.fill(scratch + ZEROS, 0, FLOAT * <usize> g.C);
  for (let item = begin; item < end; item++) {
    const tap = item / perTap;
    const m = item % perTap * rowsPerItem;
    const rows = min(rowsPerItem, M - m);
    const to = dw + <usize> (tap * g.C + m) * ldc;
    let accumulate = false;
    for (let block: i32 = 0; block < positions; block += perBlock) {
      let k = block;
      let kc = min(perBlock, positions - k);
      if (isGathered) {
        gatherPatches(g, scratch + GATHERED, first + k, kc);
        const columns = scratch + GATHERED + FLOAT * <usize> m;
        packRows(scratch + PACKED_ROWS, columns, FLOAT * <usize> M, rows, kc);
      } else {
        const i = tap / g.tapColumns;
        const j = tap % g.tapColumns;
        listPixels(g, i, j, first + k, kc, scratch);
        if (insideBegin >= insideEnd) continue;
        k += insideBegin;
        kc = insideEnd - insideBegin;
        packListed(scratch, insideBegin, FLOAT * <usize> m, rows, kc);
      }
      multiplyPanels(
        scratch + PACKED_ROWS, panels + <usize> k * 32, panelBytes, to, ldc, rows, N, kc,
        accumulate, scratch,
      );
      accumulate = true;
    }
    if (!accumulate) memory.fill(to, 0, <usize> rows * ldc);
  }
}

/** As `packRows`, of k rows that are listed, from `begin` on. */
function packListed(scratch: usize, begin: i32, offset: usize, rows: i32, k: i32): void {
  const list = scratch + ROW_LIST + FLOAT * <usize> begin;
  let to = scratch + PACKED_ROWS;
  for (let r: i32 = 0; r < rows; r += MR) {
    const count = min(MR, rows - r);
    const at = offset + FLOAT * <usize> r;
    for (let i: i32 = 0; i < k; i++) {
      const from = <usize> load<u32>(list + FLOAT * <usize> i) + at;
      if (count === MR) copySix(to, from);
      else copyFew(to, from, count);
      to += FLOAT * MR;
    }
  }
}
