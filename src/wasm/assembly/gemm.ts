/**
 * Matrix products in register tiles, the core of linear layers, attention and convolutions.
 *
 * C = A · B is computed in tiles of 6 rows × 8 columns, twelve vectors that stay in
 * registers while k runs. B is packed into panels first, [N / 8][K][8], so that the inner
 * loop reads it in one stream. A is read where it lies, each row by its address, or packed
 * likewise into [M / 6][K][6] where its rows are columns in memory. k runs in blocks of
 * 256: a panel's block stays in the first-level cache while all rows of a chunk use it.
 *
 * Every element is summed in an order that depends on K alone.
 *
 * After: Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (ACM
 * TOMS 34, 2008), https://doi.org/10.1145/1356052.1356053.
 */
import { loadSplat, loadVector, multiplyAdd } from "./simd";

/** Rows of a tile. */
export const MR: i32 = 6;
/** Columns of a tile, the width of a panel. */
export const NR: i32 = 8;
/** Terms that are summed in registers before they are added to C. */
export const KC: i32 = 256;
/** Rows that share a panel's block while it is in the cache. */
export const CHUNK: i32 = 96;

const FLOAT: usize = 4;

/** Parts of a thread's scratch memory, from its start. */
export const EDGE_TILE: usize = 0; // 6 × 8 floats
export const ROW_LIST: usize = 256; // addresses of KC + MR rows
export const PACKED_ROWS: usize = 2048; // CHUNK × KC floats

/** C[6 × 8] (+)= Σ over k of A[i][k] · B[k][j]; the six addresses at `rows` point into A. */
function tileOfRows(
  rows: usize,
  offset: usize,
  b: usize,
  c: usize,
  ldc: usize,
  k: i32,
  accumulate: bool,
): void {
  let r0 = <usize> load<u32>(rows) + offset;
  let r1 = <usize> load<u32>(rows, 4) + offset;
  let r2 = <usize> load<u32>(rows, 8) + offset;
  let r3 = <usize> load<u32>(rows, 12) + offset;
  let r4 = <usize> load<u32>(rows, 16) + offset;
  let r5 = <usize> load<u32>(rows, 20) + offset;
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
  let c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
  for (let end = b + 32 * <usize> k; b < end; b += 32) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let a = loadSplat(r0);
    c00 = multiplyAdd(a, b0, c00);
    c01 = multiplyAdd(a, b1, c01);
    a = loadSplat(r1);
    c10 = multiplyAdd(a, b0, c10);
    c11 = multiplyAdd(a, b1, c11);
    a = loadSplat(r2);
    c20 = multiplyAdd(a, b0, c20);
    c21 = multiplyAdd(a, b1, c21);
    a = loadSplat(r3);
    c30 = multiplyAdd(a, b0, c30);
    c31 = multiplyAdd(a, b1, c31);
    a = loadSplat(r4);
    c40 = multiplyAdd(a, b0, c40);
    c41 = multiplyAdd(a, b1, c41);
    a = loadSplat(r5);
    c50 = multiplyAdd(a, b0, c50);
    c51 = multiplyAdd(a, b1, c51);
    r0 += FLOAT;
    r1 += FLOAT;
    r2 += FLOAT;
    r3 += FLOAT;
    r4 += FLOAT;
    r5 += FLOAT;
  }
  storeRow(c, c00, c01, accumulate);
  storeRow(c += ldc, c10, c11, accumulate);
  storeRow(c += ldc, c20, c21, accumulate);
  storeRow(c += ldc, c30, c31, accumulate);
  storeRow(c += ldc, c40, c41, accumulate);
  storeRow(c += ldc, c50, c51, accumulate);
}

/** As {@linkcode tileOfRows}, of A packed as [k][6]. */
function tileOfPanel(
  a: usize,
  b: usize,
  c: usize,
  ldc: usize,
  k: i32,
  accumulate: bool,
): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
  let c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
  for (let end = b + 32 * <usize> k; b < end; b += 32) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let value = v128.load32_splat(a);
    c00 = multiplyAdd(value, b0, c00);
    c01 = multiplyAdd(value, b1, c01);
    value = v128.load32_splat(a, 4);
    c10 = multiplyAdd(value, b0, c10);
    c11 = multiplyAdd(value, b1, c11);
    value = v128.load32_splat(a, 8);
    c20 = multiplyAdd(value, b0, c20);
    c21 = multiplyAdd(value, b1, c21);
    value = v128.load32_splat(a, 12);
    c30 = multiplyAdd(value, b0, c30);
    c31 = multiplyAdd(value, b1, c31);
    value = v128.load32_splat(a, 16);
    c40 = multiplyAdd(value, b0, c40);
    c41 = multiplyAdd(value, b1, c41);
    value = v128.load32_splat(a, 20);
    c50 = multiplyAdd(value, b0, c50);
    c51 = multiplyAdd(value, b1, c51);
    a += 24;
  }
  storeRow(c, c00, c01, accumulate);
  storeRow(c += ldc, c10, c11, accumulate);
  storeRow(c += ldc, c20, c21, accumulate);
  storeRow(c += ldc, c30, c31, accumulate);
  storeRow(c += ldc, c40, c41, accumulate);
  storeRow(c += ldc, c50, c51, accumulate);
}

function storeRow(c: usize, left: v128, right: v128, accumulate: bool): void {
  if (accumulate) {
    left = f32x4.add(left, v128.load(c));
    right = f32x4.add(right, v128.load(c, 16));
  }
  v128.store(c, left);
  v128.store(c, right, 16);
}

// Copies what exists of a tile that reaches beyond the matrix.
function storeEdge(
  tile: usize,
  c: usize,
  ldc: usize,
  rows: i32,
  columns: i32,
  accumulate: bool,
): void {
  for (let i: i32 = 0; i < rows; i++) {
    for (let j: i32 = 0; j < columns; j++) {
      const at = c + FLOAT * <usize> j;
      const value = load<f32>(tile + FLOAT * <usize> (i * NR + j));
      store<f32>(at, accumulate ? load<f32>(at) + value : value);
    }
    c += ldc;
  }
}

/**
 * C[rows × N] (+)= A · B over one block of k.
 *
 * @param list Addresses of A's rows; one more tile of valid addresses may be read.
 * @param offset Of the block in A's rows, in bytes.
 * @param b The block in the first panel; `panelBytes` further, the next.
 */
export function multiplyRows(
  list: usize,
  offset: usize,
  b: usize,
  panelBytes: usize,
  c: usize,
  ldc: usize,
  rows: i32,
  N: i32,
  k: i32,
  accumulate: bool,
  scratch: usize,
): void {
  const tile = scratch + EDGE_TILE;
  for (let n: i32 = 0; n < N; n += NR) {
    let at = c + FLOAT * <usize> n;
    for (let r: i32 = 0; r < rows; r += MR) {
      const tileRows = list + FLOAT * <usize> r;
      if (rows - r >= MR && N - n >= NR) {
        tileOfRows(tileRows, offset, b, at, ldc, k, accumulate);
      } else {
        tileOfRows(tileRows, offset, b, tile, FLOAT * NR, k, false);
        storeEdge(tile, at, ldc, min(rows - r, MR), min(N - n, NR), accumulate);
      }
      at += <usize> MR * ldc;
    }
    b += panelBytes;
  }
}

/** As {@linkcode multiplyRows}, of A packed as [rows / 6][k][6]. */
export function multiplyPanels(
  a: usize,
  b: usize,
  panelBytes: usize,
  c: usize,
  ldc: usize,
  rows: i32,
  N: i32,
  k: i32,
  accumulate: bool,
  scratch: usize,
): void {
  const tile = scratch + EDGE_TILE;
  for (let n: i32 = 0; n < N; n += NR) {
    let at = c + FLOAT * <usize> n;
    let panel = a;
    for (let r: i32 = 0; r < rows; r += MR) {
      if (rows - r >= MR && N - n >= NR) {
        tileOfPanel(panel, b, at, ldc, k, accumulate);
      } else {
        tileOfPanel(panel, b, tile, FLOAT * NR, k, false);
        storeEdge(tile, at, ldc, min(rows - r, MR), min(N - n, NR), accumulate);
      }
      at += <usize> MR * ldc;
      panel += FLOAT * MR * k;
    }
    b += panelBytes;
  }
}

/**
 * Packs rows of B, k by k, into panels of 8 columns; missing columns are zeros.
 *
 * Items are the panels of all matrices.
 *
 * @param panels The first panel; `panelBytes` further, the next of the same matrix;
 * `panelsBytes` further, that of the next matrix.
 * @param rowBytes From k to k + 1 in B.
 * @param columnBytes From one column to the next.
 * @param matrixBytes From one matrix to the next.
 */
export function packColumns(
  panels: usize,
  panelBytes: usize,
  panelsBytes: usize,
  b: usize,
  rowBytes: usize,
  columnBytes: usize,
  matrixBytes: usize,
  K: i32,
  N: i32,
  begin: i32,
  end: i32,
): void {
  const perMatrix = (N + NR - 1) / NR;
  while (begin < end) {
    const matrix = <usize> (begin / perMatrix);
    const panel = begin % perMatrix;
    const count = min(perMatrix - panel, end - begin);
    // Some rows of all panels at a time: so few stay in the cache.
    for (let k: i32 = 0; k < K; k += ROWS_PACKED_AT_A_TIME) {
      for (let p = panel; p < panel + count; p++) {
        packPanel(
          panels + matrix * panelsBytes + <usize> p * panelBytes + <usize> k * 32,
          b + matrix * matrixBytes + <usize> k * rowBytes + <usize> (p * NR) * columnBytes,
          rowBytes,
          columnBytes,
          min(ROWS_PACKED_AT_A_TIME, K - k),
          min(NR, N - p * NR),
        );
      }
    }
    begin += count;
  }
}

const ROWS_PACKED_AT_A_TIME: i32 = 32;

function packPanel(
  to: usize,
  from: usize,
  rowBytes: usize,
  columnBytes: usize,
  rows: i32,
  columns: i32,
): void {
  if (columns === NR && columnBytes === FLOAT) {
    for (let k: i32 = 0; k < rows; k++) {
      v128.store(to, loadVector(from));
      v128.store(to, loadVector(from + 16), 16);
      from += rowBytes;
      to += 32;
    }
  } else if (columns === NR && rowBytes === FLOAT) {
    packTransposed(to, from, columnBytes, rows);
  } else {
    for (let k: i32 = 0; k < rows; k++) {
      for (let j: i32 = 0; j < NR; j++) {
        const value = j < columns ? load<f32>(from + <usize> j * columnBytes) : 0;
        store<f32>(to + FLOAT * <usize> j, value);
      }
      from += rowBytes;
      to += 32;
    }
  }
}

// Eight columns that lie along k: [8][K] in memory to [K][8].
function packTransposed(to: usize, from: usize, columnBytes: usize, K: i32): void {
  for (let half: i32 = 0; half < 2; half++) {
    let p0 = from + <usize> (4 * half) * columnBytes;
    let p1 = p0 + columnBytes, p2 = p1 + columnBytes, p3 = p2 + columnBytes;
    let at = to + <usize> (16 * half);
    let k: i32 = 0;
    for (; k + 4 <= K; k += 4) {
      const x0 = v128.load(p0), x1 = v128.load(p1);
      const x2 = v128.load(p2), x3 = v128.load(p3);
      const low01 = i32x4.shuffle(x0, x1, 0, 4, 1, 5);
      const low23 = i32x4.shuffle(x2, x3, 0, 4, 1, 5);
      const high01 = i32x4.shuffle(x0, x1, 2, 6, 3, 7);
      const high23 = i32x4.shuffle(x2, x3, 2, 6, 3, 7);
      v128.store(at, i64x2.shuffle(low01, low23, 0, 2));
      v128.store(at, i64x2.shuffle(low01, low23, 1, 3), 32);
      v128.store(at, i64x2.shuffle(high01, high23, 0, 2), 64);
      v128.store(at, i64x2.shuffle(high01, high23, 1, 3), 96);
      p0 += 16;
      p1 += 16;
      p2 += 16;
      p3 += 16;
      at += 128;
    }
    for (; k < K; k++) {
      store<f32>(at, load<f32>(p0));
      store<f32>(at, load<f32>(p1), 4);
      store<f32>(at, load<f32>(p2), 8);
      store<f32>(at, load<f32>(p3), 12);
      p0 += FLOAT;
      p1 += FLOAT;
      p2 += FLOAT;
      p3 += FLOAT;
      at += 32;
    }
  }
}

/** Packs `rows` columns of a row-major [k][…] into [rows / 6][k][6], zeros where missing. */
export function packRows(to: usize, from: usize, rowBytes: usize, rows: i32, k: i32): void {
  for (let r: i32 = 0; r < rows; r += MR) {
    let at = from + FLOAT * <usize> r;
    const count = min(MR, rows - r);
    for (let i: i32 = 0; i < k; i++) {
      if (count === MR) copySix(to, at);
      else copyFew(to, at, count);
      to += FLOAT * MR;
      at += rowBytes;
    }
  }
}

/** Six neighbors. */
export function copySix(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  store<i64>(to, load<i64>(from, 16), 16);
}

/** Fewer than six, and zeros. */
export function copyFew(to: usize, from: usize, count: i32): void {
  for (let j: i32 = 0; j < MR; j++) {
    const value = j < count ? load<f32>(from + FLOAT * <usize> j) : 0;
    store<f32>(to + FLOAT * <usize> j, value);
  }
}

/** Fills rows of C with a bias, to which products are added. */
export function fillRows(c: usize, ldc: usize, bias: usize, rows: i32, N: i32): void {
  for (let r: i32 = 0; r < rows; r++) {
    memory.copy(c, bias, FLOAT * <usize> N);
    c += ldc;
  }
}

/**
 * C = op(A) · B (+ bias) for each matrix of a batch.
 *
 * Items are tiles of 6 rows, of all matrices.
 *
 * @param a Rows of `rowBytes`; M × K, or K × M if `transposed`.
 * @param panels B, packed by {@linkcode packColumns}; `panelsBytes` further, that of the
 * next matrix.
 * @param bias N floats, or 0.
 */
export function matMul(
  a: usize,
  rowBytes: usize,
  matrixBytes: usize,
  transposed: bool,
  panels: usize,
  panelsBytes: usize,
  c: usize,
  bias: usize,
  M: i32,
  N: i32,
  K: i32,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const perMatrix = (M + MR - 1) / MR;
  const panelBytes = <usize> K * 32;
  const ldc = FLOAT * <usize> N;
  while (begin < end) {
    const matrix = begin / perMatrix;
    const tile = begin % perMatrix;
    const tiles = min(min(CHUNK / MR, perMatrix - tile), end - begin);
    const m = tile * MR;
    const rows = min(tiles * MR, M - m);
    const from = a + <usize> matrix * matrixBytes;
    const to = c + <usize> matrix * ldc * <usize> M + <usize> m * ldc;
    const b = panels + <usize> matrix * panelsBytes;
    if (bias !== 0) fillRows(to, ldc, bias, rows, N);
    if (!transposed) listRows(scratch + ROW_LIST, from, rowBytes, m, rows, M);
    for (let k: i32 = 0; k < K; k += KC) {
      const kc = min(KC, K - k);
      const accumulate = k > 0 || bias !== 0;
      const block = b + <usize> k * 32;
      if (transposed) {
        const columns = from + <usize> k * rowBytes + FLOAT * <usize> m;
        packRows(scratch + PACKED_ROWS, columns, rowBytes, rows, kc);
        multiplyPanels(
          scratch + PACKED_ROWS, block, panelBytes, to, ldc, rows, N, kc, accumulate, scratch,
        );
      } else {
        multiplyRows(
          scratch + ROW_LIST, FLOAT * <usize> k, block, panelBytes, to, ldc, rows, N, kc,
          accumulate, scratch,
        );
      }
    }
    begin += tiles;
  }
}

// Addresses of rows m … of A; those beyond it repeat the last.
function listRows(list: usize, a: usize, rowBytes: usize, m: i32, rows: i32, M: i32): void {
  for (let r: i32 = 0; r < rows + MR; r++) {
    store<u32>(list + FLOAT * <usize> r, <u32> (a + <usize> min(m + r, M - 1) * rowBytes));
  }
}
