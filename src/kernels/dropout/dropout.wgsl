// Dropout of units by counter-based chance, forward and backward alike.
//
//   out[i] = x[i] / (1 − rate) if uniform(seed, stream, iteration, unit(i)) ≥ rate, else 0
//   unit(i) = before + (i / outer) · inner + i mod inner
//
// Single elements: outer = inner = 1. Channels of [B, H, W, C]: outer = H·W·C, inner = C.
// Whole samples: outer = elements of a sample, inner = 1.
// The hash is pcg4d, as in core/random.ts.
//
// Invocations  N
// Reads        x [N]
// Writes       out [N]

struct Sizes {
  count: u32,
  outer: u32,
  inner: u32,
  before: u32,
  seed: u32,
  stream: u32,
  iteration: u32,
  rate: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

fn pcg4d(words: vec4u) -> vec4u {
  var v = words * 1664525u + 1013904223u;
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  return v;
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
  let unit = sizes.before + i / sizes.outer * sizes.inner + i % sizes.inner;
  let bits = pcg4d(vec4u(sizes.seed, sizes.stream, sizes.iteration, unit)).x;
  let uniform_ = f32(bits >> 8u) * 0x1p-24;
  var value = 0.0;
  if (uniform_ >= sizes.rate) {
    value = x[i] / (1.0 - sizes.rate);
  }
  out[i] = value;
}
