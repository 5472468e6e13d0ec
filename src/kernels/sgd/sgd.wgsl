// One step of gradient descent with momentum, in place.
//
//   b ← momentum · b + (g + decay · p);  p ← p − rate · b
//
// Invocations  N
// Reads        gradient g [N]
// Updates      parameter p [N], momentum buffer b [N]

struct Sizes {
  count: u32,
  rate: f32,
  momentum: f32,
  decay: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> p: array<f32>;
@group(0) @binding(3) var<storage, read_write> b: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let velocity = sizes.momentum * b[i] + g[i] + sizes.decay * p[i];
  b[i] = velocity;
  p[i] = p[i] - sizes.rate * velocity;
}
