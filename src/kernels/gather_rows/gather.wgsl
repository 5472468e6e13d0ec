// Some rows of a matrix.
//
//   out[r, j] = x[index[r, j]], or zeros where the index is negative
//
// Invocations  R · J · D
// Reads        x [P, D], index [R, J]
// Writes       out [R, J, D]

struct Sizes {
  count: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> index: array<i32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let row = index[i / sizes.columns];
  var value = 0.0;
  if (row >= 0) {
    value = x[u32(row) * sizes.columns + i % sizes.columns];
  }
  out[i] = value;
}
