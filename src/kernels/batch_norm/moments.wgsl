// Mean and biased variance of each column of a matrix.
//
//   mean[c] = Σ_r x[r, c] / R,  variance[c] = Σ_r (x[r, c] − mean[c])² / R
//
// Invocations  C, one per column
// Reads        x [R, C]
// Writes       mean [C], variance [C]

struct Sizes {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> variance: array<f32>;

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
    sum += x[r * sizes.columns + i];
  }
  let centre = sum / f32(sizes.rows);
  var squares = 0.0;
  for (var r = 0u; r < sizes.rows; r++) {
    let off = x[r * sizes.columns + i] - centre;
    squares += off * off;
  }
  mean[i] = centre;
  variance[i] = squares / f32(sizes.rows);
}
