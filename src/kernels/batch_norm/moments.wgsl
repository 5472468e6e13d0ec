// Mean and biased variance of each column of a matrix.
//
//   mean[c] = Σ_r x[r, c] / R,  variance[c] = Σ_r (x[r, c] − mean[c])² / R
//
// The second pass also sums x − mean, which is what rounding took from the first mean:
// a channel whose mean is large against its deviation shows that error enlarged.
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
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.columns) {
    return;
  }
  var sum = vec2f();
  for (var r = 0u; r < sizes.rows; r++) {
    sum = add(sum, x[r * sizes.columns + i], r);
  }
  let centre = (sum.x + sum.y) / f32(sizes.rows);
  var rest = vec2f();
  var squares = vec2f();
  for (var r = 0u; r < sizes.rows; r++) {
    let off = x[r * sizes.columns + i] - centre;
    rest = add(rest, off, r);
    squares = add(squares, off * off, r);
  }
  let missed = (rest.x + rest.y) / f32(sizes.rows);
  mean[i] = centre + missed;
  variance[i] = (squares.x + squares.y) / f32(sizes.rows) - missed * missed;
}
