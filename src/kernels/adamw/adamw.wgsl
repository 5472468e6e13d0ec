// One AdamW step, in place.
//
//   p ← p · (1 − decay);  m ← β1·m + (1 − β1)·g;  v ← β2·v + (1 − β2)·g²
//   p ← p − step · m / (√v · correction + ε)
//
// 1 − β arrives ready made: in float32 it would lose five digits.
// With step = rate / (1 − β1ᵗ), correction = 1 / √(1 − β2ᵗ), decay = rate · weight decay.
//
// Invocations  N
// Reads        gradient g [N]
// Updates      parameter p [N], first moment m [N], second moment v [N]

struct Sizes {
  count: u32,
  decay: f32,
  beta1: f32,
  beta2: f32,
  take1: f32,
  take2: f32,
  step: f32,
  correction: f32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> p: array<f32>;
@group(0) @binding(3) var<storage, read_write> m: array<f32>;
@group(0) @binding(4) var<storage, read_write> v: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let first = sizes.beta1 * m[i] + sizes.take1 * g[i];
  let second = sizes.beta2 * v[i] + sizes.take2 * g[i] * g[i];
  m[i] = first;
  v[i] = second;
  let kept = p[i] - p[i] * sizes.decay;
  p[i] = kept - sizes.step * first / (sqrt(second) * sizes.correction + sizes.epsilon);
}
