// Euclidean distance of two maps over their channels.
//
//   d[r] = √(Σ over c of (a[r, c] − b[r, c])²)
//
// Invocations  R, one per pixel
// Reads        a [R, C], b [R, C]
// Writes       d [R]

struct Sizes {
  rows: u32,
  channels: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> d: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.rows) {
    return;
  }
  var sum = 0.0;
  for (var c = i * sizes.channels; c < (i + 1u) * sizes.channels; c++) {
    let difference = a[c] - b[c];
    sum += difference * difference;
  }
  d[i] = sqrt(sum);
}
