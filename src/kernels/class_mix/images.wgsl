// Pasting source pixels over target pixels: the images.
//
//   y[p] = source[p] where mask[p] is not 0, else other[p]
//
// Invocations  P = B · H · W
// Reads        mask [P], source [P, 3], other [P, 3] of the target
// Writes       y [P, 3]

struct Sizes {
  count: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> mask: array<i32>;
@group(0) @binding(2) var<storage, read> source: array<f32>;
@group(0) @binding(3) var<storage, read> other: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let pasted = mask[i] != 0;
  for (var c = 3u * i; c < 3u * i + 3u; c++) {
    if (pasted) {
      y[c] = source[c];
    } else {
      y[c] = other[c];
    }
  }
}
