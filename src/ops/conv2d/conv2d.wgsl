// Two-dimensional convolution of NHWC maps, or its input gradient: a product of matrices
// whose left factor is read from the maps where it is needed (implicit GEMM).
//
//   forward   product[b, y, x, o] = g(Σ over i, j, c of
//               left[b, y·stride + i·dilation − padding, …, c] · filter[i, j, c, o] + …)
//   backward  product[b, y, x, c] = Σ over i, j, o of
//               left[b, (y + padding − i·dilation) / stride, …, o] · filter[i, j, c, o]
//             where the division leaves no remainder
//
// Rows of the product are pixels, columns are channels; tiles and the order of the sums are
// those of mat_mul.wgsl, with the offsets that a tap reads computed once per tap. Pixels that
// lie `phases` apart (the stride, backward) follow each other, so that a row of a tile meets
// the same taps as its neighbors and taps that none of them needs are skipped. `pitch`
// elements lie between pixels of the map that is read.
//
// Invocations  as mat_mul.wgsl for rows = phases² · batch · ceil(OH / phases) · ceil(OW / phases)
// Reads        left [batch, H, W, C], right = filter [KH, KW, ·, ·],
//              bias [columns] and residual [batch, OH, OW, columns], or any tensors
// Writes       product [batch, OH, OW, columns]

override backward: bool = false;

// Terms after which the sums in registers go to memory.
const BLOCK = 256u;
// Far enough outside for every tap.
const NOWHERE = -1000000;

// Of four rows of the product.
struct Origins {
  first: vec3i,
  second: vec3i,
  third: vec3i,
  fourth: vec3i,
}

fn rowsOfPhase() -> vec2u {
  let size = vec2u(uniforms.outHeight, uniforms.outWidth);
  return (size + uniforms.phases - 1u) / uniforms.phases;
}

fn rowCount() -> u32 {
  let grid = rowsOfPhase();
  return uniforms.phases * uniforms.phases * uniforms.batch * grid.x * grid.y;
}

// Image, row and column of a pixel of the product; the row lies outside for no pixel.
fn pixelOf(row: u32) -> vec3u {
  let grid = rowsOfPhase();
  let x = row % grid.y;
  let y = row / grid.y % grid.x;
  let image = row / (grid.x * grid.y) % uniforms.batch;
  let phase = row / (grid.x * grid.y * uniforms.batch);
  return vec3u(
    image,
    y * uniforms.phases + phase / uniforms.phases,
    x * uniforms.phases + phase % uniforms.phases,
  );
}

// Here and below without branches: inlined many times, they cost some compilers minutes.
fn isOutside(row: u32, pixel: vec3u) -> bool {
  return (row >= rowCount()) | (pixel.y >= uniforms.outHeight) | (pixel.z >= uniforms.outWidth);
}

// Image and position from which the taps of a pixel are counted.
fn origin(row: u32) -> vec3i {
  let pixel = pixelOf(row);
  let padding = vec3i(0, i32(uniforms.paddingTop), i32(uniforms.paddingLeft));
  var at = vec3i(pixel);
  if (backward) {
    at += padding;
  } else {
    let stride = i32(uniforms.stride);
    at = at * vec3i(1, stride, stride) - padding;
  }
  return select(at, vec3i(0, NOWHERE, NOWHERE), isOutside(row, pixel));
}

// Where the channels that a tap reads begin, or −1 if it reads nothing.
fn source(from_: vec3i, tap: vec2i) -> i32 {
  var at = from_.yz + tap;
  var isWhole = true;
  if (backward) {
    let stride = i32(uniforms.stride);
    at = from_.yz - tap;
    isWhole = all(at % stride == vec2i());
    at = select(at / stride, vec2i(-1), at < vec2i());
  }
  let size = vec2i(i32(uniforms.height), i32(uniforms.width));
  let isInside = isWhole & all(at >= vec2i()) & all(at < size);
  let pixel = (from_.x * size.x + at.x) * size.y + at.y;
  return select(-1, pixel * i32(uniforms.pitch), isInside);
}

fn originsOf(row: u32) -> Origins {
  return Origins(origin(row), origin(row + 1u), origin(row + 2u), origin(row + 3u));
}

fn sources(origins: Origins, tap: vec2i) -> vec4i {
  return vec4i(
    source(origins.first, tap),
    source(origins.second, tap),
    source(origins.third, tap),
    source(origins.fourth, tap),
  );
}

fn pick(place: i32, channel: u32) -> vec4f {
  let four = leftFour(u32(max(place, 0)) + channel, uniforms.channels - channel);
  return select(vec4f(), four, place >= 0);
}

fn leftBlock(places: vec4i, channel: u32) -> mat4x4f {
  return mat4x4f(
    pick(places.x, channel),
    pick(places.y, channel),
    pick(places.z, channel),
    pick(places.w, channel),
  );
}

// Channels channel … channel + 3 of the map that is read, columns column … column + 3.
fn rightBlock(tap: u32, channel: u32, column: u32) -> mat4x4f {
  let count = uniforms.channels - channel;
  if (backward) {
    let start = tap * uniforms.columns * uniforms.channels + channel;
    let last = uniforms.columns - 1u;
    return transpose(mat4x4f(
      rightFour(start + min(column, last) * uniforms.channels, count),
      rightFour(start + min(column + 1u, last) * uniforms.channels, count),
      rightFour(start + min(column + 2u, last) * uniforms.channels, count),
      rightFour(start + min(column + 3u, last) * uniforms.channels, count),
    ));
  }
  let row = tap * uniforms.channels + channel;
  let at = row * uniforms.columns + min(column, uniforms.columns - 1u);
  let last = count - 1u;
  let most = uniforms.columns - column;
  return mat4x4f(
    rightFour(at, most),
    select(vec4f(), rightFour(at + min(1u, last) * uniforms.columns, most), count > 1u),
    select(vec4f(), rightFour(at + min(2u, last) * uniforms.columns, most), count > 2u),
    select(vec4f(), rightFour(at + min(3u, last) * uniforms.columns, most), count > 3u),
  );
}

fn storeRow(row: u32, column: u32, sums: vec4f, isFirst: bool, isLast: bool) {
  let pixel = pixelOf(row);
  let index = (pixel.x * uniforms.outHeight + pixel.y) * uniforms.outWidth + pixel.z;
  let at = index * uniforms.columns + column;
  if (!isOutside(row, pixel)) {
    finish(at, column, uniforms.columns - column, sums, isFirst, isLast);
  }
}

fn store(start: u32, row: u32, column: u32, sums: mat4x4f, isFirst: bool, isLast: bool) {
  if (column >= uniforms.columns) {
    return;
  }
  storeRow(row, column, sums[0], isFirst, isLast);
  storeRow(row + 1u, column, sums[1], isFirst, isLast);
  storeRow(row + 2u, column, sums[2], isFirst, isLast);
  storeRow(row + 3u, column, sums[3], isFirst, isLast);
}

fn computeLane(group: u32, lane: u32) {
  let tile = tileOf(group, lane, rowCount(), uniforms.columns);
  let row = tile.row;
  let column = tile.column;
  if ((tile.matrix > 0u) | (row >= rowCount()) | (column >= uniforms.columns)) {
    return;
  }
  let step = tile.step;
  let o0 = originsOf(row);
  let o1 = originsOf(row + 4u);
  let o2 = originsOf(row + 8u);
  let o3 = originsOf(row + 12u);

  var sums = Sums();
  var inRegisters = 0u;
  var isFirst = true;
  let taps = uniforms.kernelHeight * uniforms.kernelWidth;
  for (var tap = 0u; tap < taps; tap++) {
    let place = vec2u(tap / uniforms.kernelWidth, tap % uniforms.kernelWidth);
    let offset = vec2i(place * uniforms.dilation);
    let s0 = sources(o0, offset);
    let s1 = sources(o1, offset);
    let s2 = sources(o2, offset);
    let s3 = sources(o3, offset);
    var furthest = max(s0, s1);
    if (large) {
      furthest = max(furthest, max(s2, s3));
    }
    // A tap that no row needs is passed over, unless the sums have still to be finished.
    let channels = select(0u, uniforms.channels, any(furthest >= vec4i()));
    var begin = 0u;
    loop {
      let stop = min(begin + BLOCK - inRegisters, channels);
      for (var channel = begin; channel < stop; channel += 4u) {
        var columns: Blocks;
        columns.first = rightBlock(tap, channel, column);
        columns.second = rightBlock(tap, channel, column + step);
        var rows: Blocks;
        rows.first = leftBlock(s0, channel);
        rows.second = leftBlock(s1, channel);
        if (large) {
          columns.third = rightBlock(tap, channel, column + 2u * step);
          columns.fourth = rightBlock(tap, channel, column + 3u * step);
          rows.third = leftBlock(s2, channel);
          rows.fourth = leftBlock(s3, channel);
        }
        accumulate(&sums, rows, columns);
      }
      inRegisters += (stop - begin + 3u) / 4u * 4u;
      begin = stop;
      let isLast = (tap + 1u == taps) & (begin == channels);
      if ((inRegisters >= BLOCK) | isLast) {
        storeAll(sums, 0u, tile, isFirst, isLast);
        sums = Sums();
        inRegisters = 0u;
        isFirst = false;
      }
      if (begin >= channels) {
        break;
      }
    }
  }
}
