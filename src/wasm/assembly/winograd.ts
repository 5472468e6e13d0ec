/**
 * Convolutions of 3 × 3 taps and stride 1 with 2.25 times fewer multiplications.
 *
 * Winograd's F(2 × 2, 3 × 3): a tile of 2 × 2 outputs is Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A of the
 * filter g and the 4 × 4 inputs d. Over all channels, ⊙ is a product of matrices for each of
 * the 16 places of a tile, whose rows are tiles. With dilation the outputs of a tile lie
 * that far apart, and so do its inputs.
 *
 *   Bᵀ = 1  0 −1  0    G = 1   0   0    Aᵀ = 1  1  1  0
 *        0  1  1  0        ½   ½   ½         0  1 −1 −1
 *        0 −1  1  0        ½  −½   ½
 *        0  1  0 −1        0   0   1
 *
 * After: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016),
 * https://arxiv.org/abs/1509.09308.
 */
import { MR, multiplyPanels, multiplyRows, NR, PACKED_ROWS, packRows, ROW_LIST } from "./gemm";
import { GATHERED, ZEROS } from "./conv2d";

const FLOAT: usize = 4;
const VECTOR: usize = 16;

/** Places of a tile. */
const PLACES: i32 = 16;
/** Tiles that are transformed together, and channels of a block. */
const TILES: i32 = 48;
const BLOCK: i32 = 256;

/** Tiles of a block of a filter gradient; with 96 channels as many numbers as above. */
const TERMS: i32 = 128;

/** In a thread's scratch memory: inputs [16][TILES][BLOCK], then products likewise. */
const INPUTS: usize = GATHERED;
const PRODUCTS: usize = INPUTS + FLOAT * PLACES * TILES * BLOCK;

/** A map and the tiles that lie on it; the words that the caller writes, in this order. */
@unmanaged
class Tiling {
  /** [batch, height, width, channels] */
  map: usize;
  height: i32;
  width: i32;
  channels: i32;
  /** From input to input of a tile, and from output to output. */
  dilation: i32;
  /** The first input of the first tile, and so of the first output. */
  rowOffset: i32;
  columnOffset: i32;
  /** Of each image, and each of them `dilation` times the tiles of one grid. */
  tileRows: i32;
  tileColumns: i32;
}

/** First row and column of a tile, and its image. */
let image: i32 = 0;
let top: i32 = 0;
let left: i32 = 0;

// Tiles of dilated convolutions interleave: neighbors belong to different grids.
function locate(g: Tiling, tile: i32): void {
  const i = tile / g.tileColumns % g.tileRows;
  const j = tile % g.tileColumns;
  image = tile / g.tileColumns / g.tileRows;
  top = i % g.dilation + i / g.dilation * 2 * g.dilation + g.rowOffset;
  left = j % g.dilation + j / g.dilation * 2 * g.dilation + g.columnOffset;
}

/** Pixel (i, j) of the tile, or `outside`. */
function pixelOf(g: Tiling, i: i32, j: i32, outside: usize): usize {
  const row = top + i * g.dilation;
  const column = left + j * g.dilation;
  return <u32> row < <u32> g.height && <u32> column < <u32> g.width
    ? g.map + <usize> ((image * g.height + row) * g.width + column) * <usize> g.channels * FLOAT
    : outside;
}

/** Bᵀ d for one column of d, to four places `step` apart. */
function transformColumn(
  d0: v128,
  d1: v128,
  d2: v128,
  d3: v128,
  to: usize,
  step: usize,
): void {
  v128.store(to, f32x4.sub(d0, d2));
  v128.store(to + step, f32x4.add(d1, d2));
  v128.store(to + 2 * step, f32x4.sub(d2, d1));
  v128.store(to + 3 * step, f32x4.sub(d1, d3));
}

/** Bᵀ d B of `count` tiles and `depth` channels from `channel` on: [16][count][depth] */
function transformInputs(
  g: Tiling,
  first: i32,
  count: i32,
  channel: i32,
  depth: i32,
  scratch: usize,
): void {
  const list = scratch + ROW_LIST;
  const half = scratch; // 4 × 4 vectors, Bᵀ d
  const place = FLOAT * <usize> (count * depth);
  const offset = FLOAT * <usize> channel;
  const zeros = scratch + ZEROS;
  for (let t: i32 = 0; t < count; t++) {
    locate(g, first + t);
    for (let i: i32 = 0; i < 4; i++) {
      for (let j: i32 = 0; j < 4; j++) {
        const at = pixelOf(g, i, j, zeros) + offset;
        store<u32>(list + FLOAT * <usize> (4 * i + j), <u32> at);
      }
    }
    let to = scratch + INPUTS + FLOAT * <usize> (t * depth);
    for (let c: usize = 0; c < FLOAT * <usize> depth; c += VECTOR) {
      for (let j: usize = 0; j < 16; j += FLOAT) {
        transformColumn(
          v128.load(<usize> load<u32>(list + j) + c),
          v128.load(<usize> load<u32>(list + j, 16) + c),
          v128.load(<usize> load<u32>(list + j, 32) + c),
          v128.load(<usize> load<u32>(list + j, 48) + c),
          half + j * 4,
          64,
        );
      }
      for (let i: usize = 0; i < 4; i++) {
        const row = half + i * 64;
        transformColumn(
          v128.load(row), v128.load(row, 16), v128.load(row, 32), v128.load(row, 48),
          to + 4 * i * place, place,
        );
      }
      to += VECTOR;
    }
  }
}

/** Lists the rows of one place's inputs, and one tile of rows more. */
function listInputs(rows: usize, count: i32, depth: i32, scratch: usize): void {
  for (let t: i32 = 0; t < count + MR; t++) {
    const at = rows + FLOAT * <usize> (min(t, count - 1) * depth);
    store<u32>(scratch + ROW_LIST + FLOAT * <usize> t, <u32> at);
  }
}

/** Aᵀ m A of some tiles and `width` columns from `column` on, written where outputs are. */
function transformProducts(
  out: Tiling,
  first: i32,
  count: i32,
  column: i32,
  width: i32,
  bias: usize,
  scratch: usize,
): void {
  const place = FLOAT * <usize> (count * width);
  for (let t: i32 = 0; t < count; t++) {
    locate(out, first + t);
    const y00 = pixelOf(out, 0, 0, 0), y01 = pixelOf(out, 0, 1, 0);
    const y10 = pixelOf(out, 1, 0, 0), y11 = pixelOf(out, 1, 1, 0);
    const from = scratch + PRODUCTS + FLOAT * <usize> (t * width);
    for (let n: i32 = 0; n < width; n += 4) {
      let m = from + FLOAT * <usize> n;
      let l0 = f32x4.splat(0), l1 = l0, r0 = l0, r1 = l0;
      // Rows of Aᵀ m: the first adds rows 0, 1, 2, the second takes 1 − 2 − 3.
      for (let i: i32 = 0; i < 4; i++) {
        const m0 = v128.load(m), m1 = v128.load(m + place);
        const m2 = v128.load(m + 2 * place), m3 = v128.load(m + 3 * place);
        const a0 = f32x4.add(f32x4.add(m0, m1), m2);
        const a1 = f32x4.sub(f32x4.sub(m1, m2), m3);
        if (i < 3) {
          l0 = f32x4.add(l0, a0);
          r0 = f32x4.add(r0, a1);
        }
        if (i === 1) {
          l1 = a0;
          r1 = a1;
        } else if (i > 1) {
          l1 = f32x4.sub(l1, a0);
          r1 = f32x4.sub(r1, a1);
        }
        m += 4 * place;
      }
      const at = FLOAT * <usize> (column + n);
      if (bias !== 0) {
        const b = v128.load(bias + at);
        l0 = f32x4.add(l0, b);
        r0 = f32x4.add(r0, b);
        l1 = f32x4.add(l1, b);
        r1 = f32x4.add(r1, b);
      }
      if (y00 !== 0) v128.store(y00 + at, l0);
      if (y01 !== 0) v128.store(y01 + at, r0);
      if (y10 !== 0) v128.store(y10 + at, l1);
      if (y11 !== 0) v128.store(y11 + at, r1);
    }
  }
}

/**
 * y = x ∗ filter (+ bias), 3 × 3 taps, stride 1.
 *
 * Items are chunks of 48 tiles. Channels of x and y are multiples of 4.
 *
 * @param filters G g Gᵀ in panels, [16][N / 8][C][8], see `winogradFilters`.
 * @param tiles Of all images.
 */
export function winograd(
  x: Tiling,
  y: Tiling,
  filters: usize,
  bias: usize,
  tiles: i32,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const C = x.channels, N = y.channels;
  const panelBytes = <usize> C * 32;
  const placeBytes = panelBytes * <usize> ((N + NR - 1) / NR);
  memory.fill(scratch + ZEROS, 0, FLOAT * <usize> C);
  for (let item = begin; item < end; item++) {
    const first = item * TILES;
    const count = min(TILES, tiles - first);
    for (let n: i32 = 0; n < N; n += BLOCK) {
      const width = min(BLOCK, N - n);
      for (let c: i32 = 0; c < C; c += BLOCK) {
        const depth = min(BLOCK, C - c);
        // The inputs of the only block of channels are there already.
        if (n === 0 || C > BLOCK) transformInputs(x, first, count, c, depth, scratch);
        for (let place: i32 = 0; place < PLACES; place++) {
          const rows = scratch + INPUTS + FLOAT * <usize> (place * count * depth);
          const to = scratch + PRODUCTS + FLOAT * <usize> (place * count * width);
          const panels = filters + <usize> place * placeBytes +
            <usize> (n / NR) * panelBytes + <usize> c * 32;
          listInputs(rows, count, depth, scratch);
          multiplyRows(
            scratch + ROW_LIST, 0, panels, panelBytes, to, FLOAT * <usize> width, count, width,
            depth, c > 0, scratch,
          );
        }
      }
      transformProducts(y, first, count, n, width, bias, scratch);
    }
  }
}

/**
 * G g Gᵀ, element by element: [9] matrices of any one layout to [16].
 *
 * Items are vectors of 4 elements.
 *
 * @param matrixBytes Of one matrix.
 */
export function winogradFilters(
  filters: usize,
  taps: usize,
  matrixBytes: usize,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  for (let item = begin; item < end; item++) {
    const at = VECTOR * <usize> item;
    for (let j: usize = 0; j < 3; j++) {
      const g = taps + at + j * matrixBytes;
      spread(
        v128.load(g), v128.load(g + 3 * matrixBytes), v128.load(g + 6 * matrixBytes),
        scratch + j * VECTOR, 3 * VECTOR,
      );
    }
    for (let i: usize = 0; i < 4; i++) {
      const row = scratch + 3 * i * VECTOR;
      spread(
        v128.load(row), v128.load(row, 16), v128.load(row, 32),
        filters + at + 4 * i * matrixBytes, matrixBytes,
      );
    }
  }
}

/** G applied to three values, to four places. */
function spread(g0: v128, g1: v128, g2: v128, to: usize, step: usize): void {
  const half = f32x4.splat(0.5);
  const outer = f32x4.mul(half, f32x4.add(g0, g2));
  const inner = f32x4.mul(half, g1);
  v128.store(to, g0);
  v128.store(to + step, f32x4.add(outer, inner));
  v128.store(to + 2 * step, f32x4.sub(outer, inner));
  v128.store(to + 3 * step, g2);
}

/** Gᵀ dU G, the gradient of `winogradFilters`: [16] matrices to [9]. */
export function winogradTaps(
  taps: usize,
  filters: usize,
  matrixBytes: usize,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  for (let item = begin; item < end; item++) {
    const at = VECTOR * <usize> item;
    for (let j: usize = 0; j < 4; j++) {
      const u = filters + at + j * matrixBytes;
      gather(
        v128.load(u), v128.load(u + 4 * matrixBytes), v128.load(u + 8 * matrixBytes),
        v128.load(u + 12 * matrixBytes), scratch + j * VECTOR, 4 * VECTOR,
      );
    }
    for (let i: usize = 0; i < 3; i++) {
      const row = scratch + 4 * i * VECTOR;
      gather(
        v128.load(row), v128.load(row, 16), v128.load(row, 32), v128.load(row, 48),
        taps + at + 3 * i * matrixBytes, matrixBytes,
      );
    }
  }
}

/** Gᵀ applied to four values, to three places. */
function gather(u0: v128, u1: v128, u2: v128, u3: v128, to: usize, step: usize): void {
  const half = f32x4.splat(0.5);
  const sum = f32x4.mul(half, f32x4.add(u1, u2));
  v128.store(to, f32x4.add(u0, sum));
  v128.store(to + step, f32x4.mul(half, f32x4.sub(u1, u2)));
  v128.store(to + 2 * step, f32x4.add(u3, sum));
}

/**
 * A dy Aᵀ in panels: [16][N / 8][tiles][8]
 *
 * Items are panels.
 *
 * @param first The first tile.
 */
export function winogradOutputGradients(
  dy: Tiling,
  panels: usize,
  first: i32,
  tiles: i32,
  begin: i32,
  end: i32,
): void {
  const N = dy.channels;
  const panelBytes = <usize> tiles * 32;
  const placeBytes = panelBytes * <usize> ((N + NR - 1) / NR);
  const zero = f32x4.splat(0);
  for (let item = begin; item < end; item++) {
    for (let t: i32 = 0; t < tiles; t++) {
      locate(dy, first + t);
      const y00 = pixelOf(dy, 0, 0, 0), y01 = pixelOf(dy, 0, 1, 0);
      const y10 = pixelOf(dy, 1, 0, 0), y11 = pixelOf(dy, 1, 1, 0);
      for (let part: i32 = 0; part < 2; part++) {
        const n = item * NR + 4 * part;
        const at = FLOAT * <usize> n;
        let to = panels + <usize> item * panelBytes + <usize> t * 32 + VECTOR * <usize> part;
        const d00 = n < N && y00 !== 0 ? v128.load(y00 + at) : zero;
        const d01 = n < N && y01 !== 0 ? v128.load(y01 + at) : zero;
        const d10 = n < N && y10 !== 0 ? v128.load(y10 + at) : zero;
        const d11 = n < N && y11 !== 0 ? v128.load(y11 + at) : zero;
        storeGradients(d00, d01, to, placeBytes);
        storeGradients(f32x4.add(d00, d10), f32x4.add(d01, d11), to += 4 * placeBytes, placeBytes);
        storeGradients(f32x4.sub(d00, d10), f32x4.sub(d01, d11), to += 4 * placeBytes, placeBytes);
        storeGradients(f32x4.neg(d10), f32x4.neg(d11), to += 4 * placeBytes, placeBytes);
      }
    }
  }
}

/** A applied to two values, to four places. */
function storeGradients(d0: v128, d1: v128, to: usize, step: usize): void {
  v128.store(to, d0);
  v128.store(to + step, f32x4.add(d0, d1));
  v128.store(to + 2 * step, f32x4.sub(d0, d1));
  v128.store(to + 3 * step, f32x4.neg(d1));
}

/**
 * dU[place][c][n] (+)= Σ over tiles of (Bᵀ d B)[place][tile][c] · (A dy Aᵀ)[place][tile][n]
 *
 * Items are chunks of `rowsPerItem` channels, a multiple of 4 that is at most 96. The blocks
 * of the sum do not depend on it.
 *
 * @param panels See `winogradOutputGradients`.
 */
export function winogradFilterGradient(
  x: Tiling,
  panels: usize,
  N: i32,
  gradients: usize,
  first: i32,
  tiles: i32,
  accumulate: bool,
  rowsPerItem: i32,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const C = x.channels;
  const ldc = FLOAT * <usize> N;
  const panelBytes = <usize> tiles * 32;
  const placeBytes = panelBytes * <usize> ((N + NR - 1) / NR);
  memory.fill(scratch + ZEROS, 0, FLOAT * <usize> C);
  for (let item = begin; item < end; item++) {
    const c = item * rowsPerItem;
    const rows = min(rowsPerItem, C - c);
    for (let t: i32 = 0; t < tiles; t += TERMS) {
      const count = min(TERMS, tiles - t);
      transformInputs(x, first + t, count, c, rows, scratch);
      for (let place: i32 = 0; place < PLACES; place++) {
        const inputs = scratch + INPUTS + FLOAT * <usize> (place * count * rows);
        packRows(scratch + PACKED_ROWS, inputs, FLOAT * <usize> rows, rows, count);
        multiplyPanels(
          scratch + PACKED_ROWS, panels + <usize> place * placeBytes + <usize> t * 32,
          panelBytes, gradients + <usize> (place * C + c) * ldc, ldc, rows, N, count,
          accumulate || t > 0, scratch,
        );
      }
    }
  }
}
