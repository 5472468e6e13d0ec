// Gradient of layer norm with respect to its input.
//
//   g = dy · scale,  n = (x − mean) · rstd
//   dx = rstd · (g − mean_c(g) − n · mean_c(g · n))
//
// Invocations  R, one per row
// Reads        x [R, C], scale [C], moments [R, 2], dy [R, C]
// Writes       dx [R, C]

struct Sizes {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> moments: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.rows) {
    return;
  }
  let first = i * sizes.columns;
  let mean = moments[2u * i];
  let rstd = moments[2u * i + 1u];
  var sum = 0.0;
  var correlation = 0.0;
  for (var c = 0u; c < sizes.columns; c++) {
    let g = dy[first + c] * scale[c];
    sum += g;
    correlation += g * (x[first + c] - mean) * rstd;
  }
  sum /= f32(sizes.columns);
  correlation /= f32(sizes.columns);
  for (var c = 0u; c < sizes.columns; c++) {
    let g = dy[first + c] * scale[c];
    let n = (x[first + c] - mean) * rstd;
    dx[first + c] = rstd * (g - sum - n * correlation);
  }
}
