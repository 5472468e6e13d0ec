// Column sums of a gradient and of its product with the normalised input.
//
//   dshift[c] = Σ_r dy[r, c]
//   dscale[c] = Σ_r dy[r, c] · (x[r, c] − mean[c]) / √(variance[c] + epsilon)
//
// Invocations  C, one per column
// Reads        x [R, C], mean [C], variance [C], dy [R, C]
// Writes       dscale [C], dshift [C]

struct Sizes {
  rows: u32,
  columns: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> variance: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dscale: array<f32>;
@group(0) @binding(6) var<storage, read_write> dshift: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.columns) {
    return;
  }
  let rstd = 1.0 / sqrt(variance[i] + sizes.epsilon);
  var sum = 0.0;
  var product = 0.0;
  for (var r = 0u; r < sizes.rows; r++) {
    let at = r * sizes.columns + i;
    sum += dy[at];
    product += dy[at] * (x[at] - mean[i]);
  }
  dscale[i] = product * rstd;
  dshift[i] = sum;
}
