// Gradient of batch norm with respect to its input, where the moments are the batch's own.
//
//   n = (x − mean) · rstd
//   dx = scale · rstd · (dy − dshift / R − n · dscale / R)
//
// Invocations  R · C
// Reads        x, mean, variance, scale, dy, dscale, dshift
// Writes       dx [R, C]

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
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read> dscale: array<f32>;
@group(0) @binding(7) var<storage, read> dshift: array<f32>;
@group(0) @binding(8) var<storage, read_write> dx: array<f32>;

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
  let rows = f32(sizes.count / sizes.columns);
  let rstd = 1.0 / sqrt(variance[c] + sizes.epsilon);
  let n = (x[i] - mean[c]) * rstd;
  dx[i] = scale[c] * rstd * (dy[i] - (dshift[c] + n * dscale[c]) / rows);
}
