// Gradient of layer norm with respect to its scale.
//
//   dscale[c] = Σ over r of dy[r, c] · (x[r, c] − mean[r]) · rstd[r]
//
// Invocations  C, one per column
// Reads        x [R, C], moments [R, 2], dy [R, C]
// Writes       dscale [C]

struct Sizes {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> moments: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dscale: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.columns) {
    return;
  }
  var sum = 0.0;
  for (var r = 0u; r < sizes.rows; r++) {
    let at = r * sizes.columns + i;
    sum += dy[at] * (x[at] - moments[2u * r]) * moments[2u * r + 1u];
  }
  dscale[i] = sum;
}
