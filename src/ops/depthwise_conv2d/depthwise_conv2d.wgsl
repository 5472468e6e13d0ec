// Depthwise convolution of stride 1 of NHWC maps, with an epilogue; or its input gradient,
// which is the same with the flipped filter and the padding of the other side.
//
//   product[b, y, x, c] = g(Σ over i, j of
//     left[b, y + i·dilation − paddingTop, x + j·dilation − paddingLeft, c] ·
//     right[i, j, c] + …)
//
// One invocation owns four channels of four pixels of a row that are `dilation` apart: three
// taps side by side then read six pixels instead of twelve. Neighbors own neighboring
// channels, so loads are coalesced. Taps are taken three at a time; those beyond the filter
// count as 0. Bound by memory: the map should be read about once from there.
//
// Invocations  batch · OH · dilation · ceil(OW / (4 · dilation)) · ceil(C / 4)
// Reads        left [batch, H, W, C], right = filter [KH, KW, C],
//              bias [C] and residual [batch, OH, OW, C], or any tensors
// Writes       product [batch, OH, OW, C]

override flipped: bool = false;

// Four channels of the pixel `col` of a row that starts at pixel `line`, 0 outside.
fn pixel(line: u32, col: i32, channel: u32) -> vec4f {
  // Here and below without branches: inlined many times, they cost some compilers minutes.
  let isInside = (col >= 0) & (col < i32(uniforms.width));
  let at = line + select(0u, u32(col), isInside);
  let four = leftFour(at * uniforms.channels + channel, uniforms.channels - channel);
  return select(vec4f(), four, isInside);
}

// How far the first tap lies above and left of its pixel.
fn reach() -> vec2i {
  let padding = vec2i(vec2u(uniforms.paddingTop, uniforms.paddingLeft));
  if (flipped) {
    let last = vec2u(uniforms.kernelHeight, uniforms.kernelWidth) - 1u;
    return vec2i(last * uniforms.dilation) - padding;
  }
  return padding;
}

fn weight(i: u32, j: u32, channel: u32) -> vec4f {
  let isInside = j < uniforms.kernelWidth;
  var tap = i * uniforms.kernelWidth + select(0u, j, isInside);
  if (flipped) {
    tap = uniforms.kernelHeight * uniforms.kernelWidth - 1u - tap;
  }
  let four = rightFour(tap * uniforms.channels + channel, uniforms.channels - channel);
  return select(vec4f(), four, isInside);
}

fn store(line: u32, col: u32, channel: u32, sum: vec4f) {
  if (col < uniforms.outWidth) {
    let at = (line + col) * uniforms.channels + channel;
    finish(at, channel, uniforms.channels - channel, sum, true, true);
  }
}

fn compute(i: u32) {
  let fours = (uniforms.channels + 3u) / 4u;
  let dilation = uniforms.dilation;
  let strips = (uniforms.outWidth + 4u * dilation - 1u) / (4u * dilation) * dilation;
  let channel = i % fours * 4u;
  let strip = i / fours % strips;
  let y = i / (fours * strips) % uniforms.outHeight;
  let image = i / (fours * strips * uniforms.outHeight);
  let first = strip / dilation * 4u * dilation + strip % dilation;
  let step = i32(dilation);
  let before = reach();

  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  for (var row = 0u; row < uniforms.kernelHeight; row++) {
    let at = i32(y + row * dilation) - before.x;
    if ((at >= 0) & (at < i32(uniforms.height))) {
      let line = (image * uniforms.height + u32(at)) * uniforms.width;
      for (var tap = 0u; tap < uniforms.kernelWidth; tap += 3u) {
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
  let line = (image * uniforms.outHeight + y) * uniforms.outWidth;
  store(line, first, channel, sum0);
  store(line, first + dilation, channel, sum1);
  store(line, first + 2u * dilation, channel, sum2);
  store(line, first + 3u * dilation, channel, sum3);
}
