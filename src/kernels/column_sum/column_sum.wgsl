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

// Adds a term to a sum of (whole blocks of 32, block in hand): a plain float32 sum of many
// rows loses digits that an optimizer like AdamW makes visible. (Kahan's summation would
// be simplified away by drivers.)
fn add(sum: vec2f, term: f32, index: u32) -> vec2f {
  let block = sum.y + term;
  if (index % 32u == 31u) {
    return vec2f(sum.x + block, 0.0);
  }
  return vec2f(sum.x, block);
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let c = id.x + id.y * groups.x * 64u;
  if (c >= sizes.columns) {
    return;
  }
  var sum = vec2f();
  for (var r = 0u; r < sizes.rows; r++) {
    sum = add(sum, a[r * sizes.columns + c], r);
  }
  out[c] = (sum.x + sum.y);
}
