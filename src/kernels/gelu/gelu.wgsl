// GELU, exact form, and its gradient.
//
//   forward   out = x · Φ(x),  Φ(x) = (1 + erf(x / √2)) / 2
//   gradient  out = dy · (Φ(x) + x · φ(x)),  φ(x) = exp(−x² / 2) / √(2π)
//
// erf is the rational approximation of XLA and Eigen: odd polynomial over even
// polynomial on [−3.832, 3.832], error below 5e-7 of 1.
//
// Invocations  N
// Reads        x [N], dy [N] (any tensor in the forward pass)
// Writes       out [N]

struct Sizes {
  count: u32,
  gradient: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

fn erf(a: f32) -> f32 {
  let v = clamp(a, -3.832506856900711, 3.832506856900711);
  let s = v * v;
  let above = ((((0.00022905065861350646 * s + 0.0034082910107109506) * s
    + 0.050955695062380861) * s + 0.18520832239976145) * s + 1.128379143519084) * v;
  let below = ((((-1.1791602954361697e-7 * s + 0.000023547966471313185) * s
    + 0.0010179625278914885) * s + 0.014070470171167667) * s
    + 0.11098505178285362) * s + 0.49746925110067538;
  let last = below * s + 1.0;
  return above / last;
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let v = x[i];
  let below = 0.5 + 0.5 * erf(v * 0.7071067811865476);
  if (sizes.gradient == 0u) {
    out[i] = v * below;
  } else {
    out[i] = dy[i] * (below + v * exp(-0.5 * v * v) * 0.3989422804014327);
  }
}
