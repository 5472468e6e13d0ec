// Nearest resize of NHWC maps: every output copies one input.
//
//   y[ty, tx] = x[floor(ty · H/OH), floor(tx · W/OW)]
//
// Invocations  B · OH · OW · C
// Reads        x [B, H, W, C]
// Writes       y [B, OH, OW, C]

struct Sizes {
  count: u32,
  height: u32,
  width: u32,
  channels: u32,
  outHeight: u32,
  outWidth: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

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
  // In whole numbers, so that no rounding can choose the neighbour.
  let row = ty * sizes.height / sizes.outHeight;
  let col = tx * sizes.width / sizes.outWidth;
  y[i] = x[((image * sizes.height + row) * sizes.width + col) * sizes.channels + c];
}
