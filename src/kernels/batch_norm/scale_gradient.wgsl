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
  let rstd = 1.0 / sqrt(variance[i] + sizes.epsilon);
  var sum = vec2f();
  var product = vec2f();
  for (var r = 0u; r < sizes.rows; r++) {
    let at = r * sizes.columns + i;
    sum = add(sum, dy[at], r);
    product = add(product, dy[at] * (x[at] - mean[i]), r);
  }
  dscale[i] = (product.x + product.y) * rstd;
  dshift[i] = (sum.x + sum.y);
}
