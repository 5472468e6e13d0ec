// Max pool of NHWC maps; pixels beyond the border are no candidates.
//
//   y[ty, tx] = max over the kernel's window of x
//
// Equal maxima: the first in row-major order wins, and alone receives the gradient.
//
// Invocations  B · OH · OW · C
// Reads        x [B, H, W, C]
// Writes       y [B, OH, OW, C], places [B, OH, OW, C]: row · W + column of the maximum

struct Sizes {
  count: u32,
  height: u32,
  width: u32,
  channels: u32,
  outHeight: u32,
  outWidth: u32,
  window: u32,
  stride: u32,
  padding: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> places: array<i32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let c = i % sizes.channels;
  let tx = i / sizes.channels % sizes.outWidth;
  let ty = i / (sizes.channels * sizes.outWidth) % sizes.outHeight;
  let image = i / (sizes.channels * sizes.outWidth * sizes.outHeight);
  // Unsigned, so the border is cut off before the padding is subtracted.
  let top = max(ty * sizes.stride, sizes.padding) - sizes.padding;
  let left = max(tx * sizes.stride, sizes.padding) - sizes.padding;
  let bottom = min(ty * sizes.stride + sizes.window - sizes.padding, sizes.height);
  let right = min(tx * sizes.stride + sizes.window - sizes.padding, sizes.width);
  let first = image * sizes.height * sizes.width;
  var place = top * sizes.width + left;
  var best = x[(first + place) * sizes.channels + c];
  for (var row = top; row < bottom; row++) {
    for (var col = left; col < right; col++) {
      let at = row * sizes.width + col;
      let value = x[(first + at) * sizes.channels + c];
      if (value > best) {
        best = value;
        place = at;
      }
    }
  }
  y[i] = best;
  places[i] = i32(place);
}
