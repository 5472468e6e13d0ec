// What one tap of a convolution reads, transposed: the left factor of its filter gradient.
//
//   out[c, r] = x[b, y·stride + ky·dilation − padding, x·stride + kx·dilation − padding, c]
//
// for r = (b, y, x), and 0 beyond the border. dw[ky, kx] = out · dy as matrices.
//
// Invocations  C · B · OH · OW
// Reads        x [B, H, W, C]
// Writes       out [C, B·OH·OW]

struct Sizes {
  batch: u32,
  height: u32,
  width: u32,
  channels: u32,
  outHeight: u32,
  outWidth: u32,
  kernelHeight: u32,
  kernelWidth: u32,
  stride: u32,
  dilation: u32,
  padding: u32,
  ky: u32,
  kx: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  let pixels = sizes.batch * sizes.outHeight * sizes.outWidth;
  if (i >= pixels * sizes.channels) {
    return;
  }
  let c = i / pixels;
  let r = i % pixels;
  let image = r / (sizes.outHeight * sizes.outWidth);
  let row = i32(r / sizes.outWidth % sizes.outHeight * sizes.stride
    + sizes.ky * sizes.dilation) - i32(sizes.padding);
  let col = i32(r % sizes.outWidth * sizes.stride + sizes.kx * sizes.dilation)
    - i32(sizes.padding);
  var value = 0.0;
  if (row >= 0 && row < i32(sizes.height) && col >= 0 && col < i32(sizes.width)) {
    let pixel = (image * sizes.height + u32(row)) * sizes.width + u32(col);
    value = x[pixel * sizes.channels + c];
  }
  out[i] = value;
}
