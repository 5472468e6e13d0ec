// Filter gradient of a depthwise convolution of NHWC maps, in splits of the output rows.
//
//   dw[s, i, j, c] = Σ over the rows (b, y) of split s and over x of
//     dy[b, y, x, c] · x[b, y·stride + i·dilation − paddingTop,
//       x·stride + j·dilation − paddingLeft, c]
//
// One invocation owns four channels of up to 3×3 taps in one split and keeps its nine sums in
// registers. It walks along pixels that are `dilation` apart, so the window slides: a step
// loads three pixels of x and one of dy for nine products; with a stride, which goes with no
// dilation, nine pixels. Neighbors own neighboring channels, so loads are coalesced. Sums of
// 32 pixels are added to sums of the split, and a second pass adds the splits in their
// order: a plain float32 sum of many terms loses digits that an optimizer like AdamW makes
// visible.
//
// Invocations  splits · ceil(KH / 3) · ceil(KW / 3) · ceil(C / 4)
// Reads        x [B, H, W, C], dy [B, OH, OW, C]
// Writes       dw [splits, KH, KW, C]

override strided: bool = false;

// Pixels summed plainly.
const BLOCK = 32u;

// Of one row of the filter; the taps side by side.
struct Taps {
  left: vec4f,
  here: vec4f,
  right: vec4f,
}

fn sumOf(a: Taps, b: Taps) -> Taps {
  return Taps(a.left + b.left, a.here + b.here, a.right + b.right);
}

// Four channels of a pixel of x, 0 outside.
fn pixel(image: u32, row: i32, col: i32, channel: u32) -> vec4f {
  // Without branches: inlined many times, they cost some compilers minutes.
  let isInside = (row >= 0) & (row < i32(uniforms.height)) &
    (col >= 0) & (col < i32(uniforms.width));
  let pixel = (image * uniforms.height + u32(row)) * uniforms.width + u32(col);
  let at = select(0u, pixel, isInside);
  let four = xFour(at * uniforms.channels + channel, uniforms.channels - channel);
  return select(vec4f(), four, isInside);
}

fn store(split: u32, i: u32, j: u32, channel: u32, taps: Taps) {
  if (i >= uniforms.kernelHeight) {
    return;
  }
  let count = uniforms.channels - channel;
  let tap = (split * uniforms.kernelHeight + i) * uniforms.kernelWidth + j;
  let at = tap * uniforms.channels + channel;
  setDwFour(at, count, taps.left);
  if (j + 1u < uniforms.kernelWidth) {
    setDwFour(at + uniforms.channels, count, taps.here);
  }
  if (j + 2u < uniforms.kernelWidth) {
    setDwFour(at + 2u * uniforms.channels, count, taps.right);
  }
}

fn compute(index: u32) {
  let fours = (uniforms.channels + 3u) / 4u;
  let across = (uniforms.kernelWidth + 2u) / 3u;
  let down = (uniforms.kernelHeight + 2u) / 3u;
  let channel = index % fours * 4u;
  let j = index / fours % across * 3u;
  let i = index / (fours * across) % down * 3u;
  let split = index / (fours * across * down);
  let step = i32(uniforms.dilation);
  let stride = i32(uniforms.stride);
  let padding = vec2i(vec2u(uniforms.paddingTop, uniforms.paddingLeft));

  var part0 = Taps();
  var part1 = Taps();
  var part2 = Taps();
  var sum0 = Taps();
  var sum1 = Taps();
  var sum2 = Taps();
  var inPart = 0u;
  let end = min(uniforms.batch * uniforms.outHeight, (split + 1u) * uniforms.rowsPerSplit);
  for (var row = split * uniforms.rowsPerSplit; row < end; row++) {
    let image = row / uniforms.outHeight;
    let r0 = i32(row % uniforms.outHeight) * stride + i32(i) * step - padding.x;
    let r1 = r0 + step;
    let r2 = r1 + step;
    for (var first = 0u; first < min(uniforms.dilation, uniforms.outWidth); first++) {
      var at = i32(first) + i32(j) * step - padding.y;
      var left0 = pixel(image, r0, at, channel);
      var left1 = pixel(image, r1, at, channel);
      var left2 = pixel(image, r2, at, channel);
      at += step;
      var here0 = pixel(image, r0, at, channel);
      var here1 = pixel(image, r1, at, channel);
      var here2 = pixel(image, r2, at, channel);
      for (var col = first; col < uniforms.outWidth; col += uniforms.dilation) {
        at += step;
        let right0 = pixel(image, r0, at, channel);
        let right1 = pixel(image, r1, at, channel);
        let right2 = pixel(image, r2, at, channel);
        let place = (row * uniforms.outWidth + col) * uniforms.channels + channel;
        let g = dyFour(place, uniforms.channels - channel);
        part0.left += g * left0;
        part0.here += g * here0;
        part0.right += g * right0;
        part1.left += g * left1;
        part1.here += g * here1;
        part1.right += g * right1;
        part2.left += g * left2;
        part2.here += g * here2;
        part2.right += g * right2;
        if (strided) {
          at += stride - 1;
          left0 = pixel(image, r0, at - 1, channel);
          left1 = pixel(image, r1, at - 1, channel);
          left2 = pixel(image, r2, at - 1, channel);
          here0 = pixel(image, r0, at, channel);
          here1 = pixel(image, r1, at, channel);
          here2 = pixel(image, r2, at, channel);
        } else {
          left0 = here0;
          left1 = here1;
          left2 = here2;
          here0 = right0;
          here1 = right1;
          here2 = right2;
        }
        inPart++;
        if (inPart == BLOCK) {
          sum0 = sumOf(sum0, part0);
          sum1 = sumOf(sum1, part1);
          sum2 = sumOf(sum2, part2);
          part0 = Taps();
          part1 = Taps();
          part2 = Taps();
          inPart = 0u;
        }
      }
    }
  }
  store(split, i, j, channel, sumOf(sum0, part0));
  store(split, i + 1u, j, channel, sumOf(sum1, part1));
  store(split, i + 2u, j, channel, sumOf(sum2, part2));
}
