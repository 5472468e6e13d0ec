/**
 * Convolutions as products whose rows are gathered (implicit GEMM): no patches are stored.
 *
 * A tap of the filter is a matrix [C, N] that is applied to the pixels it meets. The list of
 * taps says where these are: output position u meets the input at u · step + tap's offset,
 * or a row of zeros outside of the map. So one kernel computes convolutions of any stride
 * and dilation, and their input gradients: with stride 1 that of dy with the turned filter,
 * with stride s one for each of the s² classes of input pixels, each with its own taps.
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
  packRows,
  PACKED_ROWS,
  ROW_LIST,
} from "./gemm";

const FLOAT: usize = 4;

/** A tap: two int32, rows and columns from u · step to its pixel. */
const TAP_BYTES: usize = 8;

/** After the packed rows: the results of a chunk that are scattered, or gathered patches. */
const GATHERED: usize = PACKED_ROWS + FLOAT * CHUNK * KC;

/** Below so many channels, patches are gathered: a tap's sum would be too short. */
const MIN_CHANNELS: i32 = 8;

/** Where the pixel of a tap is for output position (b, u, v), or `zeros`. */
function pixelOf(
  x: usize, height: i32, width: i32, pixelBytes: usize, zeros: usize, image: i32, row: i32, column: i32,
): usize {
  return <u32> row < <u32> height && <u32> column < <u32> width
    ? x + <usize> ((image * height + row) * width + column) * pixelBytes
    : zeros;
}

/**
 * y[b, u · outStep + outRow, v · outStep + outColumn, n] = Σ over taps and c of
 *   x[b, u · step + tap.row, v · step + tap.column, c] · panel[tap, c, n] (+ bias[n])
 *
 * Items are tiles of 6 positions (b, u, v) of the grid.
 *
 * @param zeros A row of C zeros.
 * @param panels The filter, packed by `packColumns` with K = taps · C.
 */
export function convolve(
  x: usize, height: i32, width: i32, C: i32,
  taps: usize, tapCount: i32, step: i32, zeros: usize,
  panels: usize, N: i32, bias: usize,
  y: usize, outHeight: i32, outWidth: i32, outStep: i32, outRow: i32, outColumn: i32,
  gridHeight: i32, gridWidth: i32, batch: i32,
  begin: i32, end: i32, scratch: usize,
): void {
  const M = batch * gridHeight * gridWidth;
  const ldc = FLOAT * <usize> N;
  const K = tapCount * C;
  const panelBytes = <usize> K * 32;
  const pixelBytes = FLOAT * <usize> C;
  const list = scratch + ROW_LIST;
  const isScattered = outStep > 1;
  const perChunk = min(CHUNK, max(MR, ((1 << 20) - (1 << 17)) / 4 / N / MR * MR));
  for (let m = begin * MR; m < min(end * MR, M); m += perChunk) {
    const rows = min(perChunk, min(end * MR, M) - m);
    const to = isScattered ? scratch + GATHERED : y + <usize> m * ldc;
    let accumulate = bias !== 0;
    if (accumulate) fillRows(to, ldc, bias, rows, N);
    if (C < MIN_CHANNELS && !isScattered && K <= 512) {
      gatherPatches(
        scratch + GATHERED, x, height, width, C, taps, tapCount, step,
        gridHeight, gridWidth, m, rows,
      );
      for (let r: i32 = 0; r < rows + MR; r++) {
        const at = scratch + GATHERED + <usize> min(r, rows - 1) * FLOAT * <usize> K;
        store<u32>(list + FLOAT * <usize> r, <u32> at);
      }
      for (let k: i32 = 0; k < K; k += KC) {
        multiplyRows(
          list, FLOAT * <usize> k, panels + <usize> k * 32, panelBytes, to, ldc, rows, N,
          min(KC, K - k), accumulate || k > 0, scratch,
        );
      }
      accumulate = true;
    } else {
      for (let tap: i32 = 0; tap < tapCount; tap++) {
        const isAnyInside = listPixels(
          list, x, height, width, pixelBytes, taps + <usize> tap * TAP_BYTES, step, zeros,
          gridHeight, gridWidth, m, rows,
        );
        if (!isAnyInside) continue;
        for (let k: i32 = 0; k < C; k += KC) {
          multiplyRows(
            list, FLOAT * <usize> k, panels + <usize> (tap * C + k) * 32, panelBytes, to, ldc,
            rows, N, min(KC, C - k), accumulate, scratch,
          );
          accumulate = true;
        }
      }
    }
    if (!accumulate) memory.fill(to, 0, <usize> rows * ldc);
    if (isScattered) {
      for (let r: i32 = 0; r < rows; r++) {
        const row = m + r;
        const v = row % gridWidth;
        const u = row / gridWidth % gridHeight;
        const image = row / gridWidth / gridHeight;
        const pixel = (image * outHeight + u * outStep + outRow) * outWidth + v * outStep +
          outColumn;
        memory.copy(y + <usize> pixel * ldc, to + <usize> r * ldc, ldc);
      }
    }
  }
}

// The pixels that a tap meets for positions m … of the grid, and rows of zeros for one tile
// more. Whether any is inside of the map.
function listPixels(
  list: usize, x: usize, height: i32, width: i32, pixelBytes: usize, tap: usize, step: i32,
  zeros: usize, gridHeight: i32, gridWidth: i32, m: i32, rows: i32,
): bool {
  const tapRow = load<i32>(tap), tapColumn = load<i32>(tap, 4);
  let v = m % gridWidth;
  let u = m / gridWidth % gridHeight;
  let image = m / gridWidth / gridHeight;
  let isAnyInside = false;
  for (let r: i32 = 0; r < rows; r++) {
    const pixel = pixelOf(
      x, height, width, pixelBytes, zeros, image, u * step + tapRow, v * step + tapColumn,
    );
    if (pixel !== zeros) isAnyInside = true;
    store<u32>(list, <u32> pixel);
    list += FLOAT;
    if (++v === gridWidth) {
      v = 0;
      if (++u === gridHeight) {
        u = 0;
        image++;
      }
    }
  }
  for (let r: i32 = 0; r < MR; r++) store<u32>(list + FLOAT * <usize> r, <u32> zeros);
  return isAnyInside;
}

// The patches of positions m … of the grid: [rows][taps][C], few channels.
function gatherPatches(
  to: usize, x: usize, height: i32, width: i32, C: i32, taps: usize, tapCount: i32, step: i32,
  gridHeight: i32, gridWidth: i32, m: i32, rows: i32,
): void {
  const pixelBytes = FLOAT * <usize> C;
  let v = m % gridWidth;
  let u = m / gridWidth % gridHeight;
  let image = m / gridWidth / gridHeight;
  for (let r: i32 = 0; r < rows; r++) {
    for (let tap: i32 = 0; tap < tapCount; tap++) {
      const at = taps + <usize> tap * TAP_BYTES;
      const pixel = pixelOf(
        x, height, width, pixelBytes, 0, image, u * step + load<i32>(at),
        v * step + load<i32>(at, 4),
      );
      for (let c: usize = 0; c < pixelBytes; c += FLOAT) {
        store<f32>(to + c, pixel === 0 ? 0 : load<f32>(pixel + c));
      }
      to += pixelBytes;
    }
    if (++v === gridWidth) {
      v = 0;
      if (++u === gridHeight) {
        u = 0;
        image++;
      }
    }
  }
}

/**
 * dw[tap, c, n] = Σ over positions of x[position · step + tap, c] · dy[position, n]
 *
 * Items are chunks of 96 rows: of the C channels of one tap after the other, or, with few
 * channels, of all taps · C rows.
 *
 * @param panels dy [positions, N], packed by `packColumns`.
 */
export function convolveFilterGradient(
  x: usize, height: i32, width: i32, C: i32,
  taps: usize, tapCount: i32, step: i32, zeros: usize,
  panels: usize, N: i32, dw: usize,
  gridHeight: i32, gridWidth: i32, batch: i32, rowsPerItem: i32,
  begin: i32, end: i32, scratch: usize,
): void {
  const K = batch * gridHeight * gridWidth;
  const ldc = FLOAT * <usize> N;
  const panelBytes = <usize> K * 32;
  const pixelBytes = FLOAT * <usize> C;
  const list = scratch + ROW_LIST;
  const packed = scratch + PACKED_ROWS;
  const isGathered = C < MIN_CHANNELS && tapCount * C <= 512;
  const M = isGathered ? tapCount * C : C;
  const perTap = (M + rowsPerItem - 1) / rowsPerItem;
  for (let item = begin; item < end; item++) {
    const tap = item / perTap;
    const m = item % perTap * rowsPerItem;
    const rows = min(rowsPerItem, M - m);
    const to = dw + <usize> (tap * C + m) * ldc;
    let accumulate = false;
    for (let k: i32 = 0; k < K; k += CHUNK) {
      const kc = min(CHUNK, K - k);
      if (isGathered) {
        gatherPatches(
          scratch + GATHERED, x, height, width, C, taps, tapCount, step,
          gridHeight, gridWidth, k, kc,
        );
        const patches = scratch + GATHERED + FLOAT * <usize> m;
        packRows(packed, patches, FLOAT * <usize> M, rows, kc);
      } else {
        const isAnyInside = listPixels(
          list, x, height, width, pixelBytes, taps + <usize> tap * TAP_BYTES, step, zeros,
          gridHeight, gridWidth, k, kc,
        );
        if (!isAnyInside) continue;
        packListed(packed, list, FLOAT * <usize> m, rows, kc);
      }
      multiplyPanels(
        packed, panels + <usize> k * 32, panelBytes, to, ldc, rows, N, kc, accumulate, scratch,
      );
      accumulate = true;
    }
    if (!accumulate) memory.fill(to, 0, <usize> rows * ldc);
  }
}

// As `packRows`, of rows that are listed.
function packListed(to: usize, list: usize, offset: usize, rows: i32, k: i32): void {
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
