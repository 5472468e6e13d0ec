// Where a sample's chosen classes are.
//
//   mask[b, p] = chosen[b, labels[b, p]]
//
// Invocations  B · H · W
// Reads        labels [B, H, W] in 0 … 255, chosen [B, 256] of 0 and 1
// Writes       mask [B, H, W] of 0 and 1

struct Sizes {
  count: u32,
  pixels: u32, // of one sample
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> chosen: array<i32>;
@group(0) @binding(3) var<storage, read_write> mask: array<i32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  mask[i] = chosen[i / sizes.pixels * 256u + u32(labels[i])];
}
