// Layer norm over the last axis.
//
//   y[r, c] = (x[r, c] − mean[r]) · rstd[r] · scale[c] + shift[c]
//   rstd[r] = 1 / √(variance[r] + epsilon), the variance being biased
//
// Invocations  R, one per row
// Reads        x [R, C], scale [C], shift [C]
// Writes       y [R, C], moments [R, 2]: mean and rstd, for the gradients

struct Sizes {
  rows: u32,
  columns: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> shift: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> moments: array<f32>;

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
  let count = f32(sizes.columns);
  var sum = 0.0;
  for (var c = 0u; c < sizes.columns; c++) {
    sum += x[first + c];
  }
  let mean = sum / count;
  var squares = 0.0;
  for (var c = 0u; c < sizes.columns; c++) {
    let centred = x[first + c] - mean;
    squares += centred * centred;
  }
  let rstd = 1.0 / sqrt(squares / count + sizes.epsilon);
  for (var c = 0u; c < sizes.columns; c++) {
    y[first + c] = (x[first + c] - mean) * rstd * scale[c] + shift[c];
  }
  moments[2u * i] = mean;
  moments[2u * i + 1u] = rstd;
}
