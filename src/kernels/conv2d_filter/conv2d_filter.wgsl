// Filter gradient of a convolution of NHWC maps, in shares of the output rows.
//
//   dw[s, i, j, c, o] = Σ over the rows (b, y) of share s and over x of
//     x[b, y·stride + i·dilation − padding, x·stride + j·dilation − padding, c] · dy[b, y, x, o]
//
// For each tap a product of matrices, pixels summed away. One invocation owns a tile of the
// channels c and o of one tap in one share; tiles, lanes and the order of the sums are those
// of matmul.wgsl: four pixels of a row first, then whole rows up to BLOCK pixels in
// registers, then memory. The columns for which a tap lies inside the map are worked out once, so the loop
// has no case for the border. A second pass adds the shares in their order.
//
// Invocations  64 · shares · KH · KW · tiles of [C, O], see tile/shape.ts
// Reads        x [B, H, W, C], dy [B, OH, OW, O]
// Writes       dw [shares, KH, KW, C, O]

// Pixels after which, at the end of a row, the sums in registers go to memory.
const BLOCK = 256u;

struct Sizes {
  batch: u32,
  height: u32,
  width: u32,
  channels: u32,
  outHeight: u32,
  outWidth: u32,
  kernelHeight: u32,
  kernelWidth: u32,
  stride: u32,
  dilation: u32,
  padding: u32,
  columns: u32,
  // Numbers from one pixel of x to the next.
  pitch: u32,
  // Lanes of a workgroup side by side.
  across: u32,
  shares: u32,
  // Output rows of all shares but the last.
  rowsPerShare: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;

// Channels of four pixels of x, `step` apart: one column of the matrix per channel.
fn leftBlock(at: u32, step: vec4u, channel: u32) -> mat4x4f {
  let count = sizes.channels - channel;
  let from_ = at + min(channel, sizes.channels - 1u);
  return transpose(mat4x4f(
    xFour(from_ + step.x, count),
    xFour(from_ + step.y, count),
    xFour(from_ + step.z, count),
    xFour(from_ + step.w, count),
  ));
}

// Channels of four pixels of dy: one column of the matrix per pixel, 0 beyond the last.
fn rightBlock(at: u32, step: vec4u, column: u32, pixels: u32) -> mat4x4f {
  let count = sizes.columns - column;
  let from_ = at + min(column, sizes.columns - 1u);
  return mat4x4f(
    dyFour(from_ + step.x, count),
    select(vec4f(), dyFour(from_ + step.y, count), pixels > 1u),
    select(vec4f(), dyFour(from_ + step.z, count), pixels > 2u),
    select(vec4f(), dyFour(from_ + step.w, count), pixels > 3u),
  );
}

fn store(start: u32, channel: u32, column: u32, sums: mat4x4f, isFirst: bool, isLast: bool) {
  if (column >= sizes.columns) {
    return;
  }
  let at = (start + channel) * sizes.columns + column;
  let count = sizes.columns - column;
  if (channel < sizes.channels) {
    add(at, count, sums[0], isFirst);
  }
  if (channel + 1u < sizes.channels) {
    add(at + sizes.columns, count, sums[1], isFirst);
  }
  if (channel + 2u < sizes.channels) {
    add(at + 2u * sizes.columns, count, sums[2], isFirst);
  }
  if (channel + 3u < sizes.channels) {
    add(at + 3u * sizes.columns, count, sums[3], isFirst);
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let side = sideOfTile();
  let wide = side * sizes.across;
  let tall = side * 64u / sizes.across;
  let tilesAcross = (sizes.columns + wide - 1u) / wide;
  let tilesDown = (sizes.channels + tall - 1u) / tall;
  let taps = sizes.kernelHeight * sizes.kernelWidth;
  let tile = group.x + group.y * groups.x;
  let tap = tile / (tilesAcross * tilesDown) % taps;
  let share = tile / (tilesAcross * tilesDown * taps);
  let channel = tile / tilesAcross % tilesDown * tall + lane / sizes.across * side;
  let column = tile % tilesAcross * wide + lane % sizes.across * 4u;
  if (share >= sizes.shares || channel >= sizes.channels || column >= sizes.columns) {
    return;
  }
  let stepColumn = 4u * sizes.across;
  let place = Place((share * taps + tap) * sizes.channels, channel, column, stepColumn);

  // Where the tap reads relative to y·stride and x·stride, and which x it reads inside for.
  let offset = vec2i(vec2u(tap / sizes.kernelWidth, tap % sizes.kernelWidth) * sizes.dilation)
    - i32(sizes.padding);
  let stride = i32(sizes.stride);
  let firstColumn = u32((max(0, -offset.y) + stride - 1) / stride);
  let beyond = max(0, i32(sizes.width) - offset.y + stride - 1) / stride;
  let endColumn = min(sizes.outWidth, u32(beyond));

  var sums = Sums();
  var inRegisters = 0u;
  var isFirst = true;
  let rows = sizes.batch * sizes.outHeight;
  let endRow = min(rows, (share + 1u) * sizes.rowsPerShare);
  // One round more than rows, to store what is left.
  for (var row = share * sizes.rowsPerShare; row <= endRow; row++) {
    let image = row / sizes.outHeight;
    let y = i32(row % sizes.outHeight) * stride + offset.x;
    let isInside = row < endRow && y >= 0 && y < i32(sizes.height);
    let stop = select(0u, endColumn, isInside);
    let source = i32(image * sizes.height * sizes.width) + y * i32(sizes.width) + offset.y;
    for (var col = firstColumn; col < stop; col += 4u) {
      let pixels = stop - col;
      let step = min(vec4u(0u, 1u, 2u, 3u), vec4u(pixels - 1u));
      let atX = u32(source + i32(col) * stride) * sizes.pitch;
      let atDy = (row * sizes.outWidth + col) * sizes.columns;
      let stepX = step * sizes.stride * sizes.pitch;
      let stepDy = step * sizes.columns;
      var columns: Blocks;
      columns.first = rightBlock(atDy, stepDy, column, pixels);
      columns.second = rightBlock(atDy, stepDy, column + stepColumn, pixels);
      var channels: Blocks;
      channels.first = leftBlock(atX, stepX, channel);
      channels.second = leftBlock(atX, stepX, channel + 4u);
      if (large) {
        columns.third = rightBlock(atDy, stepDy, column + 2u * stepColumn, pixels);
        columns.fourth = rightBlock(atDy, stepDy, column + 3u * stepColumn, pixels);
        channels.third = leftBlock(atX, stepX, channel + 8u);
        channels.fourth = leftBlock(atX, stepX, channel + 12u);
      }
      accumulate(&sums, channels, columns);
      inRegisters += 4u;
    }
    if (inRegisters >= BLOCK || row == endRow) {
      storeAll(sums, place, isFirst, row == endRow);
      sums = Sums();
      inRegisters = 0u;
      isFirst = false;
    }
  }
}
