// Filter gradient of a convolution of NHWC maps, in splits of the output rows.
//
//   dw[s, i, j, c, o] = Σ over the rows (b, y) of split s and over x of
//     x[b, y·stride + i·dilation − padding, x·stride + j·dilation − padding, c] · dy[b, y, x, o]
//
// For each tap a product of matrices that sums over pixels. One invocation owns a tile of the
// channels c and o of one tap in one split; tiles, lanes and the order of the sums are those
// of mat_mul.wgsl: four pixels of a row first, then whole rows up to BLOCK pixels in
// registers, then memory. The columns for which a tap lies inside the map are computed once,
// so the loop has no case for the border. `pitch` elements lie between pixels of x. A second
// pass adds the splits in their order.
//
// Invocations  64 · splits · KH · KW · tiles of [C, O], see tiling.ts
// Reads        x [B, H, W, C], dy [B, OH, OW, O]
// Writes       dw [splits, KH, KW, C, O]

// Pixels after which, at the end of a row, the sums in registers go to memory.
const BLOCK = 256u;

// Channels of four pixels of x, `step` apart: one column of the matrix per channel.
fn leftBlock(at: u32, step: vec4u, channel: u32) -> mat4x4f {
  let count = uniforms.channels - channel;
  let from_ = at + min(channel, uniforms.channels - 1u);
  return transpose(mat4x4f(
    xFour(from_ + step.x, count),
    xFour(from_ + step.y, count),
    xFour(from_ + step.z, count),
    xFour(from_ + step.w, count),
  ));
}

// Channels of four pixels of dy: one column of the matrix per pixel, 0 beyond the last.
fn rightBlock(at: u32, step: vec4u, column: u32, pixels: u32) -> mat4x4f {
  let count = uniforms.columns - column;
  let from_ = at + min(column, uniforms.columns - 1u);
  return mat4x4f(
    dyFour(from_ + step.x, count),
    select(vec4f(), dyFour(from_ + step.y, count), pixels > 1u),
    select(vec4f(), dyFour(from_ + step.z, count), pixels > 2u),
    select(vec4f(), dyFour(from_ + step.w, count), pixels > 3u),
  );
}

fn add(at: u32, count: u32, four: vec4f, isFirst: bool) {
  if (isFirst) {
    setDwFour(at, count, four);
  } else {
    setDwFour(at, count, dwFour(at, count) + four);
  }
}

fn store(start: u32, channel: u32, column: u32, sums: mat4x4f, isFirst: bool, isLast: bool) {
  if (column >= uniforms.columns) {
    return;
  }
  let at = (start + channel) * uniforms.columns + column;
  let count = uniforms.columns - column;
  if (channel < uniforms.channels) {
    add(at, count, sums[0], isFirst);
  }
  if (channel + 1u < uniforms.channels) {
    add(at + uniforms.columns, count, sums[1], isFirst);
  }
  if (channel + 2u < uniforms.channels) {
    add(at + 2u * uniforms.columns, count, sums[2], isFirst);
  }
  if (channel + 3u < uniforms.channels) {
    add(at + 3u * uniforms.columns, count, sums[3], isFirst);
  }
}

fn computeLane(group: u32, lane: u32) {
  let tile = tileOf(group, lane, uniforms.channels, uniforms.columns);
  let taps = uniforms.kernelHeight * uniforms.kernelWidth;
  let tap = tile.matrix % taps;
  let split = tile.matrix / taps;
  let channel = tile.row;
  let column = tile.column;
  if ((split >= uniforms.splits) | (channel >= uniforms.channels) | (column >= uniforms.columns)) {
    return;
  }
  let stepColumn = tile.step;
  let start = tile.matrix * uniforms.channels;

  // Where the tap reads relative to y·stride and x·stride, and which x it reads inside for.
  let place = vec2u(tap / uniforms.kernelWidth, tap % uniforms.kernelWidth);
  let padding = vec2i(vec2u(uniforms.paddingTop, uniforms.paddingLeft));
  let offset = vec2i(place * uniforms.dilation) - padding;
  let stride = i32(uniforms.stride);
  let firstColumn = u32((max(0, -offset.y) + stride - 1) / stride);
  let beyond = max(0, i32(uniforms.width) - offset.y + stride - 1) / stride;
  let endColumn = min(uniforms.outWidth, u32(beyond));

  var sums = Sums();
  var inRegisters = 0u;
  var isFirst = true;
  let rows = uniforms.batch * uniforms.outHeight;
  let endRow = min(rows, (split + 1u) * uniforms.rowsPerSplit);
  // One round more than rows, to store what is left.
  for (var row = split * uniforms.rowsPerSplit; row <= endRow; row++) {
    let image = row / uniforms.outHeight;
    let y = i32(row % uniforms.outHeight) * stride + offset.x;
    let isInside = (row < endRow) & (y >= 0) & (y < i32(uniforms.height));
    let stop = select(0u, endColumn, isInside);
    let source = i32(image * uniforms.height * uniforms.width) + y * i32(uniforms.width) + offset.y;
    for (var col = firstColumn; col < stop; col += 4u) {
      let pixels = stop - col;
      let step = min(vec4u(0u, 1u, 2u, 3u), vec4u(pixels - 1u));
      let atX = u32(source + i32(col) * stride) * uniforms.pitch;
      let atDy = (row * uniforms.outWidth + col) * uniforms.columns;
      let stepX = step * uniforms.stride * uniforms.pitch;
      let stepDy = step * uniforms.columns;
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
    if ((inRegisters >= BLOCK) | (row == endRow)) {
      storeAll(sums, start, tile, isFirst, row == endRow);
      sums = Sums();
      inRegisters = 0u;
      isFirst = false;
    }
  }
}
