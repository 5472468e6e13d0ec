// Sum over the rows of a matrix.
//
//   out[c] = Σ over r of a[r, c], in the order of r
//
// One invocation owns one column; neighbours own neighbouring columns, so loads are coalesced.
//
// Invocations  C
// Reads        a [R, C]
// Writes       out [C]

struct Sizes {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let c = id.x + id.y * groups.x * 64u;
  if (c >= sizes.columns) {
    return;
  }
  var sum = 0.0;
  for (var r = 0u; r < sizes.rows; r++) {
    sum += a[r * sizes.columns + c];
  }
  out[c] = sum;
}
