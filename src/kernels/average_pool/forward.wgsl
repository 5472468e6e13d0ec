// Average pool of NHWC maps, plain or adaptive.
//
//   y[i, j] = mean of x over rows [start(i), end(i)) and columns [start(j), end(j))
//   plain:    start(i) = i · stride,        end(i) = start(i) + window
//   adaptive: start(i) = floor(i · in/out), end(i) = ceil((i + 1) · in/out)
//
// Invocations  B · OH · OW · C
// Reads        x [B, H, W, C]
// Writes       y [B, OH, OW, C]

struct Sizes {
  count: u32,
  height: u32,
  width: u32,
  channels: u32,
  outHeight: u32,
  outWidth: u32,
  window: u32, // 0: adaptive
  stride: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn bin(i: u32, inputs: u32, outputs: u32) -> vec2u {
  if (sizes.window == 0u) {
    return vec2u(i * inputs / outputs, ((i + 1u) * inputs + outputs - 1u) / outputs);
  }
  return vec2u(i * sizes.stride, i * sizes.stride + sizes.window);
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
  let c = i % sizes.channels;
  let tx = i / sizes.channels % sizes.outWidth;
  let ty = i / (sizes.channels * sizes.outWidth) % sizes.outHeight;
  let image = i / (sizes.channels * sizes.outWidth * sizes.outHeight);
  let rows = bin(ty, sizes.height, sizes.outHeight);
  let cols = bin(tx, sizes.width, sizes.outWidth);
  var sum = 0.0;
  for (var row = rows.x; row < rows.y; row++) {
    let first = (image * sizes.height + row) * sizes.width;
    for (var col = cols.x; col < cols.y; col++) {
      sum += x[(first + col) * sizes.channels + c];
    }
  }
  y[i] = sum / f32((rows.y - rows.x) * (cols.y - cols.x));
}
