// Depthwise convolution of stride 1 of NHWC maps, with an epilogue; or its input gradient,
// which is the same with the turned filter and the padding of the other side.
//
//   product[b, y, x, c] = g(Σ over i, j of
//     left[b, y + i·dilation − padding, x + j·dilation − padding, c] · right[i, j, c] + …)
//
// One invocation owns four channels of four pixels of a row that are `dilation` apart: three
// taps side by side then read six pixels instead of twelve. Neighbours own neighbouring
// channels, so loads are coalesced. Taps are taken three at a time; those beyond the filter
// count as 0. Bound by memory: the map should be read about once from there.
//
// Invocations  batch · OH · dilation · ceil(OW / (4 · dilation)) · ceil(C / 4)
// Reads        left [batch, H, W, C], right = filter [KH, KW, C],
//              bias [C] and residual [batch, OH, OW, C], or any tensors
// Writes       product [batch, OH, OW, C]

override turned: bool = false;

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
}

@group(0) @binding(0) var<uniform> sizes: Sizes;

// Four channels of the pixel `col` of a row that starts at pixel `line`, 0 outside.
fn pixel(line: u32, col: i32, channel: u32) -> vec4f {
  if (col < 0 || col >= i32(sizes.width)) {
    return vec4f();
  }
  return leftFour((line + u32(col)) * sizes.channels + channel, sizes.channels - channel);
}

// How far the first tap lies above and left of its pixel.
fn reach() -> vec2i {
  let padding = i32(sizes.padding);
  if (turned) {
    let last = vec2u(sizes.kernelHeight, sizes.kernelWidth) - 1u;
    return vec2i(last * sizes.dilation) - padding;
  }
  return vec2i(padding);
}

fn weight(i: u32, j: u32, channel: u32) -> vec4f {
  if (j >= sizes.kernelWidth) {
    return vec4f();
  }
  var tap = i * sizes.kernelWidth + j;
  if (turned) {
    tap = sizes.kernelHeight * sizes.kernelWidth - 1u - tap;
  }
  return rightFour(tap * sizes.channels + channel, sizes.channels - channel);
}

fn store(line: u32, col: u32, channel: u32, sum: vec4f) {
  if (col < sizes.outWidth) {
    let at = (line + col) * sizes.channels + channel;
    finish(at, channel, sizes.channels - channel, sum, true, true);
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  let fours = (sizes.channels + 3u) / 4u;
  let dilation = sizes.dilation;
  let strips = (sizes.outWidth + 4u * dilation - 1u) / (4u * dilation) * dilation;
  let channel = i % fours * 4u;
  let strip = i / fours % strips;
  let y = i / (fours * strips) % sizes.outHeight;
  let image = i / (fours * strips * sizes.outHeight);
  if (image >= sizes.batch) {
    return;
  }
  let first = strip / dilation * 4u * dilation + strip % dilation;
  let step = i32(dilation);
  let before = reach();

  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var row = 0u; row < sizes.kernelHeight; row++) {
    let at = i32(y + row * dilation) - before.x;
    if (at >= 0 && at < i32(sizes.height)) {
      let line = (image * sizes.height + u32(at)) * sizes.width;
      for (var tap = 0u; tap < sizes.kernelWidth; tap += 3u) {
        let w0 = weight(row, tap, channel);
        let w1 = weight(row, tap + 1u, channel);
        let w2 = weight(row, tap + 2u, channel);
        let col = i32(first + tap * dilation) - before.y;
        let p0 = pixel(line, col, channel);
        let p1 = pixel(line, col + step, channel);
        let p2 = pixel(line, col + 2 * step, channel);
        let p3 = pixel(line, col + 3 * step, channel);
        let p4 = pixel(line, col + 4 * step, channel);
        let p5 = pixel(line, col + 5 * step, channel);
        sum0 += p0 * w0 + p1 * w1 + p2 * w2;
        sum1 += p1 * w0 + p2 * w1 + p3 * w2;
        sum2 += p2 * w0 + p3 * w1 + p4 * w2;
        sum3 += p3 * w0 + p4 * w1 + p5 * w2;
      }
    }
  }
  let line = (image * sizes.outHeight + y) * sizes.outWidth;
  store(line, first, channel, sum0);
  store(line, first + dilation, channel, sum1);
  store(line, first + 2u * dilation, channel, sum2);
  store(line, first + 3u * dilation, channel, sum3);
}
