// Moving average, in place.
//
//   target ← keep · target + take · source; an exact copy if keep = 0
//
// take = 1 − keep arrives ready made: in float32 it would lose up to five digits.
//
// Invocations  N
// Reads        source [N]
// Updates      target [N]

struct Sizes {
  count: u32,
  keep: f32,
  take: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read_write> average: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  if (sizes.keep == 0.0) {
    average[i] = source[i];
  } else {
    average[i] = sizes.keep * average[i] + sizes.take * source[i];
  }
}
