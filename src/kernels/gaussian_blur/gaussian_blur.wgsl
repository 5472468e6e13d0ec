// One pass of a separable blur of NHWC maps along rows or columns, reflecting at borders.
//
//   y[p] = Σ over k of weights[b, k] · x[reflect(p + k − taps / 2)],  reflect(−1) = 1
//
// Invocations  B · H · W · C
// Reads        x [B, H, W, C], weights [B, taps]: one filter per sample
// Writes       y [B, H, W, C]

struct Sizes {
  count: u32,
  length: u32,  // pixels along the blurred axis
  inner: u32,   // elements between neighbours on it
  image: u32,   // elements of one sample
  taps: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let place = i32(i / sizes.inner % sizes.length);
  let last = i32(sizes.length) - 1;
  let own = i / sizes.image * sizes.taps;
  let first = i - u32(place) * sizes.inner;
  var sum = 0.0;
  for (var k = 0u; k < sizes.taps; k++) {
    let at = abs(place + i32(k) - i32(sizes.taps / 2u));
    let inside = last - abs(last - at);
    sum += weights[own + k] * x[first + u32(inside) * sizes.inner];
  }
  y[i] = sum;
}
