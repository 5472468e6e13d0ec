// Filter gradient of a depthwise convolution of stride 1 of NHWC maps, in bands of rows.
//
//   dw[s, i, j, c] = Σ over the rows (b, y) of band s and over x of
//     dy[b, y, x, c] · x[b, y + i·dilation − padding, x + j·dilation − padding, c]
//
// One invocation owns four channels of up to 3×3 taps in one band and keeps its nine sums in
// registers. It walks along pixels that are `dilation` apart, so the window slides: a step
// loads three pixels of x and one of dy for nine products. Neighbours own neighbouring
// channels, so loads are coalesced. Sums of 32 pixels are added to sums of the band, and a
// second pass adds the bands in their order: a plain float32 sum of many terms loses digits
// that an optimizer like AdamW makes visible.
//
// Invocations  bands · ceil(KH / 3) · ceil(KW / 3) · ceil(C / 4)
// Reads        x [B, H, W, C], dy [B, OH, OW, C]
// Writes       dw [bands, KH, KW, C]

// Pixels summed plainly.
const BLOCK = 32u;

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
  bands: u32,
  // Output rows of all bands but the last.
  rowsPerBand: u32,
}

// Of one row of the filter; the taps side by side.
struct Taps {
  left: vec4f,
  here: vec4f,
  right: vec4f,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;

fn sumOf(a: Taps, b: Taps) -> Taps {
  return Taps(a.left + b.left, a.here + b.here, a.right + b.right);
}

// Four channels of a pixel of x, 0 outside.
fn pixel(image: u32, row: i32, col: i32, channel: u32) -> vec4f {
  if (row < 0 || row >= i32(sizes.height) || col < 0 || col >= i32(sizes.width)) {
    return vec4f();
  }
  let at = (image * sizes.height + u32(row)) * sizes.width + u32(col);
  return xFour(at * sizes.channels + channel, sizes.channels - channel);
}

fn store(band: u32, i: u32, j: u32, channel: u32, taps: Taps) {
  if (i >= sizes.kernelHeight) {
    return;
  }
  let count = sizes.channels - channel;
  let tap = (band * sizes.kernelHeight + i) * sizes.kernelWidth + j;
  let at = tap * sizes.channels + channel;
  add(at, count, taps.left, true);
  if (j + 1u < sizes.kernelWidth) {
    add(at + sizes.channels, count, taps.here, true);
  }
  if (j + 2u < sizes.kernelWidth) {
    add(at + 2u * sizes.channels, count, taps.right, true);
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let index = id.x + id.y * groups.x * 64u;
  let fours = (sizes.channels + 3u) / 4u;
  let across = (sizes.kernelWidth + 2u) / 3u;
  let down = (sizes.kernelHeight + 2u) / 3u;
  let channel = index % fours * 4u;
  let j = index / fours % across * 3u;
  let i = index / (fours * across) % down * 3u;
  let band = index / (fours * across * down);
  if (band >= sizes.bands) {
    return;
  }
  let step = i32(sizes.dilation);
  let padding = i32(sizes.padding);

  var part0 = Taps();
  var part1 = Taps();
  var part2 = Taps();
  var sum0 = Taps();
  var sum1 = Taps();
  var sum2 = Taps();
  var inPart = 0u;
  let end = min(sizes.batch * sizes.outHeight, (band + 1u) * sizes.rowsPerBand);
  for (var row = band * sizes.rowsPerBand; row < end; row++) {
    let image = row / sizes.outHeight;
    let r0 = i32(row % sizes.outHeight) + i32(i) * step - padding;
    let r1 = r0 + step;
    let r2 = r1 + step;
    for (var first = 0u; first < min(sizes.dilation, sizes.outWidth); first++) {
      var at = i32(first) + i32(j) * step - padding;
      var left0 = pixel(image, r0, at, channel);
      var left1 = pixel(image, r1, at, channel);
      var left2 = pixel(image, r2, at, channel);
      at += step;
      var here0 = pixel(image, r0, at, channel);
      var here1 = pixel(image, r1, at, channel);
      var here2 = pixel(image, r2, at, channel);
      for (var col = first; col < sizes.outWidth; col += sizes.dilation) {
        at += step;
        let right0 = pixel(image, r0, at, channel);
        let right1 = pixel(image, r1, at, channel);
        let right2 = pixel(image, r2, at, channel);
        let place = (row * sizes.outWidth + col) * sizes.channels + channel;
        let g = dyFour(place, sizes.channels - channel);
        part0.left += g * left0;
        part0.here += g * here0;
        part0.right += g * right0;
        part1.left += g * left1;
        part1.here += g * here1;
        part1.right += g * right1;
        part2.left += g * left2;
        part2.here += g * here2;
        part2.right += g * right2;
        left0 = here0;
        left1 = here1;
        left2 = here2;
        here0 = right0;
        here1 = right1;
        here2 = right2;
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
  store(band, i, j, channel, sumOf(sum0, part0));
  store(band, i + 1u, j, channel, sumOf(sum1, part1));
  store(band, i + 2u, j, channel, sumOf(sum2, part2));
}
