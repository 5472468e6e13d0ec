// Bilinear resize of NHWC maps.
//
//   half pixel      source = max((target + ½) · in / out − ½, 0)
//   align corners   source = target · (in − 1) / (out − 1), 0 if out = 1
//
// The neighbour beyond the last row or column is the last one; there is no antialiasing.
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
  alignCorners: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn source(target_: u32, inputs: u32, outputs: u32) -> f32 {
  if (sizes.alignCorners == 1u) {
    if (outputs == 1u) {
      return 0.0;
    }
    return f32(target_ * (inputs - 1u)) / f32(outputs - 1u);
  }
  return max((f32(target_) + 0.5) * f32(inputs) / f32(outputs) - 0.5, 0.0);
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
  let col = i / sizes.channels % sizes.outWidth;
  let row = i / (sizes.channels * sizes.outWidth) % sizes.outHeight;
  let image = i / (sizes.channels * sizes.outWidth * sizes.outHeight);

  let sy = source(row, sizes.height, sizes.outHeight);
  let sx = source(col, sizes.width, sizes.outWidth);
  let top = min(u32(sy), sizes.height - 1u);
  let left = min(u32(sx), sizes.width - 1u);
  let bottom = min(top + 1u, sizes.height - 1u);
  let right = min(left + 1u, sizes.width - 1u);
  let fy = sy - f32(top);
  let fx = sx - f32(left);

  let first = image * sizes.height;
  let upper = (first + top) * sizes.width;
  let lower = (first + bottom) * sizes.width;
  let above = mix(
    x[(upper + left) * sizes.channels + c],
    x[(upper + right) * sizes.channels + c],
    fx,
  );
  let below = mix(
    x[(lower + left) * sizes.channels + c],
    x[(lower + right) * sizes.channels + c],
    fx,
  );
  y[i] = mix(above, below, fy);
}
