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
// those of matmul.wgsl, with the places that a tap reads worked out once per tap. Pixels
// that lie `phases` apart (the stride, backward) follow each other, so that a row of a
// tile meets the same taps as its neighbours and taps that none of them needs are skipped.
//
// Invocations  as matmul.wgsl for rows = phases² · batch · ceil(OH / phases) · ceil(OW / phases)
// Reads        left [batch, H, W, C], right = filter [KH, KW, ·, ·],
//              bias [columns] and residual [batch, OH, OW, columns], or any tensors
// Writes       product [batch, OH, OW, columns]

override backward: bool = false;

// Terms after which the sums in registers go to memory.
const BLOCK = 256u;
// Far enough outside for every tap.
const NOWHERE = -1000000;

struct Sizes {
  batch: u32,
  // Of the map that is read.
  height: u32,
  width: u32,
  channels: u32,
  // Of the map that is written.
  outHeight: u32,
  outWidth: u32,
  kernelHeight: u32,
  kernelWidth: u32,
  stride: u32,
  dilation: u32,
  padding: u32,
  columns: u32,
  phases: u32,
  // Numbers from one pixel of the map that is read to the next.
  pitch: u32,
  // Lanes of a workgroup side by side.
  across: u32,
}

// Of four rows of the product.
struct Origins {
  first: vec3i,
  second: vec3i,
  third: vec3i,
  fourth: vec3i,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;

fn rowsOfPhase() -> vec2u {
  return (vec2u(sizes.outHeight, sizes.outWidth) + sizes.phases - 1u) / sizes.phases;
}

fn rowCount() -> u32 {
  let grid = rowsOfPhase();
  return sizes.phases * sizes.phases * sizes.batch * grid.x * grid.y;
}

// Image, row and column of a pixel of the product; the row lies outside for no pixel.
fn pixelOf(row: u32) -> vec3u {
  let grid = rowsOfPhase();
  let x = row % grid.y;
  let y = row / grid.y % grid.x;
  let image = row / (grid.x * grid.y) % sizes.batch;
  let phase = row / (grid.x * grid.y * sizes.batch);
  return vec3u(
    image,
    y * sizes.phases + phase / sizes.phases,
    x * sizes.phases + phase % sizes.phases,
  );
}

// Image and position from which the taps of a pixel are counted.
fn origin(row: u32) -> vec3i {
  let pixel = pixelOf(row);
  if (row >= rowCount() || pixel.y >= sizes.outHeight || pixel.z >= sizes.outWidth) {
    return vec3i(0, NOWHERE, NOWHERE);
  }
  let padding = i32(sizes.padding);
  if (backward) {
    return vec3i(i32(pixel.x), i32(pixel.y) + padding, i32(pixel.z) + padding);
  }
  let stride = i32(sizes.stride);
  return vec3i(
    i32(pixel.x),
    i32(pixel.y) * stride - padding,
    i32(pixel.z) * stride - padding,
  );
}

// Where the channels that a tap reads begin, or −1 if it reads nothing.
fn source(from_: vec3i, tap: vec2i) -> i32 {
  var at = from_.yz + tap;
  var isWhole = true;
  if (backward) {
    let stride = i32(sizes.stride);
    at = from_.yz - tap;
    isWhole = all(at % stride == vec2i());
    at = select(at / stride, vec2i(-1), at < vec2i());
  }
  let size = vec2i(i32(sizes.height), i32(sizes.width));
  let isInside = isWhole && all(at >= vec2i()) && all(at < size);
  return select(-1, ((from_.x * size.x + at.x) * size.y + at.y) * i32(sizes.pitch), isInside);
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
  let four = leftFour(u32(max(place, 0)) + channel, sizes.channels - channel);
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
  let count = sizes.channels - channel;
  if (backward) {
    let start = tap * sizes.columns * sizes.channels + channel;
    let last = sizes.columns - 1u;
    return transpose(mat4x4f(
      rightFour(start + min(column, last) * sizes.channels, count),
      rightFour(start + min(column + 1u, last) * sizes.channels, count),
      rightFour(start + min(column + 2u, last) * sizes.channels, count),
      rightFour(start + min(column + 3u, last) * sizes.channels, count),
    ));
  }
  let at = (tap * sizes.channels + channel) * sizes.columns + min(column, sizes.columns - 1u);
  let last = count - 1u;
  let most = sizes.columns - column;
  return mat4x4f(
    rightFour(at, most),
    select(vec4f(), rightFour(at + min(1u, last) * sizes.columns, most), count > 1u),
    select(vec4f(), rightFour(at + min(2u, last) * sizes.columns, most), count > 2u),
    select(vec4f(), rightFour(at + min(3u, last) * sizes.columns, most), count > 3u),
  );
}

fn storeRow(row: u32, column: u32, sums: vec4f, isFirst: bool, isLast: bool) {
  let pixel = pixelOf(row);
  if (row >= rowCount() || pixel.y >= sizes.outHeight || pixel.z >= sizes.outWidth) {
    return;
  }
  let index = (pixel.x * sizes.outHeight + pixel.y) * sizes.outWidth + pixel.z;
  let at = index * sizes.columns + column;
  finish(at, column, sizes.columns - column, sums, isFirst, isLast);
}

fn store(start: u32, row: u32, column: u32, sums: mat4x4f, isFirst: bool, isLast: bool) {
  if (column >= sizes.columns) {
    return;
  }
  storeRow(row, column, sums[0], isFirst, isLast);
  storeRow(row + 1u, column, sums[1], isFirst, isLast);
  storeRow(row + 2u, column, sums[2], isFirst, isLast);
  storeRow(row + 3u, column, sums[3], isFirst, isLast);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let side = sideOfTile();
  let width = side * sizes.across;
  let tilesAcross = (sizes.columns + width - 1u) / width;
  let tile = group.x + group.y * groups.x;
  let row = tile / tilesAcross * (side * 64u / sizes.across) + lane / sizes.across * side;
  let column = tile % tilesAcross * width + lane % sizes.across * 4u;
  if (row >= rowCount() || column >= sizes.columns) {
    return;
  }
  let step = 4u * sizes.across;
  let place = Place(0u, row, column, step);
  let o0 = originsOf(row);
  let o1 = originsOf(row + 4u);
  let o2 = originsOf(row + 8u);
  let o3 = originsOf(row + 12u);

  var sums = Sums();
  var inRegisters = 0u;
  var isFirst = true;
  let taps = sizes.kernelHeight * sizes.kernelWidth;
  for (var tap = 0u; tap < taps; tap++) {
    let offset = vec2i(vec2u(tap / sizes.kernelWidth, tap % sizes.kernelWidth) * sizes.dilation);
    let s0 = sources(o0, offset);
    let s1 = sources(o1, offset);
    let s2 = sources(o2, offset);
    let s3 = sources(o3, offset);
    var furthest = max(s0, s1);
    if (large) {
      furthest = max(furthest, max(s2, s3));
    }
    // A tap that no row needs is passed over, unless the sums have still to be finished.
    let channels = select(0u, sizes.channels, any(furthest >= vec4i()));
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
      let isLast = tap + 1u == taps && begin == channels;
      if (inRegisters >= BLOCK || isLast) {
        storeAll(sums, place, isFirst, isLast);
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
