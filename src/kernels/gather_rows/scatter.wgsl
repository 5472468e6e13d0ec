// Gradient of gathering rows: the sums over the draws of each row, in their order.
//
//   dx[index[r, j]] = Σ over k with index[r, k] = index[r, j] of dy[r, k]
//
// The first draw of a row of x does its sum, so no two invocations write to one place: two
// different r must not draw the same row. Rows of x that nobody drew keep their value.
//
// Invocations  R · J · D
// Reads        dy [R, J, D], index [R, J]
// Updates      dx [P, D]

struct Sizes {
  count: u32,
  columns: u32,
  draws: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> index: array<i32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let draw = i / sizes.columns;
  let column = i % sizes.columns;
  let row = index[draw];
  if (row < 0) {
    return;
  }
  let first = draw / sizes.draws * sizes.draws;
  for (var k = first; k < draw; k++) {
    if (index[k] == row) {
      return;
    }
  }
  var sum = 0.0;
  for (var k = draw; k < first + sizes.draws; k++) {
    if (index[k] == row) {
      sum += dy[k * sizes.columns + column];
    }
  }
  dx[u32(row) * sizes.columns + column] = sum;
}
