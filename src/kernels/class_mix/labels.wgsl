// Pasting source pixels over target pixels: labels and loss weights.
//
//   where mask is not 0: the source's label, weight 1
//   elsewhere:           the target's label and weight
//
// Invocations  P = B · H · W
// Reads        mask [P], source [P], other [P] and otherWeights [P] of the target
// Writes       labels [P], weights [P]

struct Sizes {
  count: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> mask: array<i32>;
@group(0) @binding(2) var<storage, read> source: array<i32>;
@group(0) @binding(3) var<storage, read> other: array<i32>;
@group(0) @binding(4) var<storage, read> otherWeights: array<f32>;
@group(0) @binding(5) var<storage, read_write> labels: array<i32>;
@group(0) @binding(6) var<storage, read_write> weights: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  if (mask[i] != 0) {
    labels[i] = source[i];
    weights[i] = 1.0;
  } else {
    labels[i] = other[i];
    weights[i] = otherWeights[i];
  }
}
