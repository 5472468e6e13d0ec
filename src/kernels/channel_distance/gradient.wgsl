// Gradient of the distance with respect to its first map; that of the second is its negative.
//
//   da[r, c] = dd[r] · (a[r, c] − b[r, c]) / d[r], and 0 where d[r] = 0
//
// Invocations  R · C
// Reads        a [R, C], b [R, C], d [R], dd [R]
// Writes       da [R, C]

struct Sizes {
  count: u32,
  channels: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> d: array<f32>;
@group(0) @binding(4) var<storage, read> dd: array<f32>;
@group(0) @binding(5) var<storage, read_write> da: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let distance = d[i / sizes.channels];
  var gradient = 0.0;
  if (distance > 0.0) {
    gradient = dd[i / sizes.channels] * (a[i] - b[i]) / distance;
  }
  da[i] = gradient;
}
