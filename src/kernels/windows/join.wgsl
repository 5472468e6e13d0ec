// Puts windows back in their places on the maps: undoes split.wgsl, and is its gradient.
//
//   out[b, y, x, c] = windows[b, r, s, i, j, c]
//
// with r·w + i = (y − shift) mod R·w and s·w + j = (x − shift) mod S·w; the padding is
// dropped.
//
// Invocations  B · H · W · C
// Reads        windows [B·R·S, w², C]
// Writes       out [B, H, W, C]

struct Sizes {
  count: u32,
  height: u32,
  width: u32,
  channels: u32,
  window: u32,
  shift: u32,
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> windows: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let k = id.x + id.y * groups.x * 64u;
  if (k >= sizes.count) {
    return;
  }
  let c = k % sizes.channels;
  let pixel = k / sizes.channels;
  let height = sizes.rows * sizes.window;
  let width = sizes.columns * sizes.window;
  let x = (pixel % sizes.width + width - sizes.shift) % width;
  let y = (pixel / sizes.width % sizes.height + height - sizes.shift) % height;
  let b = pixel / (sizes.width * sizes.height);
  let window = (b * sizes.rows + y / sizes.window) * sizes.columns + x / sizes.window;
  let place = y % sizes.window * sizes.window + x % sizes.window;
  let at = window * sizes.window * sizes.window + place;
  out[k] = windows[at * sizes.channels + c];
}
