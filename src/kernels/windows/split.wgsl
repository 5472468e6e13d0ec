// Cuts maps into square windows, rolled and padded with zeros at the bottom and the right.
//
//   out[b, r, s, i, j, c] = x[b, (r·w + i + shift) mod R·w, (s·w + j + shift) mod S·w, c]
//
// for R·S windows of side w per image, and 0 beyond the border of x.
//
// Invocations  B · R·S · w² · C
// Reads        x [B, H, W, C]
// Writes       out [B·R·S, w², C]

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
@group(0) @binding(1) var<storage, read> x: array<f32>;
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
  let j = pixel % sizes.window;
  let i = pixel / sizes.window % sizes.window;
  let window = pixel / (sizes.window * sizes.window);
  let s = window % sizes.columns;
  let r = window / sizes.columns % sizes.rows;
  let b = window / (sizes.columns * sizes.rows);
  let row = (r * sizes.window + i + sizes.shift) % (sizes.rows * sizes.window);
  let col = (s * sizes.window + j + sizes.shift) % (sizes.columns * sizes.window);
  var value = 0.0;
  if (row < sizes.height && col < sizes.width) {
    value = x[((b * sizes.height + row) * sizes.width + col) * sizes.channels + c];
  }
  out[k] = value;
}
