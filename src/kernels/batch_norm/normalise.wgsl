// Normalises the columns of a matrix.
//
//   y[r, c] = (x[r, c] − mean[c]) / √(variance[c] + epsilon) · scale[c] + shift[c]
//
// Invocations  R · C
// Reads        x [R, C], mean [C], variance [C], scale [C], shift [C]
// Writes       y [R, C]

struct Sizes {
  count: u32,
  columns: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> variance: array<f32>;
@group(0) @binding(4) var<storage, read> scale: array<f32>;
@group(0) @binding(5) var<storage, read> shift: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let c = i % sizes.columns;
  let factor = scale[c] / sqrt(variance[c] + sizes.epsilon);
  y[i] = fma(x[i] - mean[c], factor, shift[c]);
}
