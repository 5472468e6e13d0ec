// Filter gradient of a depthwise convolution of NHWC maps.
//
//   dw[ky, kx, c] = Σ over b, y, x of
//     dy[b, y, x, c] · x[b, y·stride + ky·dilation − padding, …, c]
//
// One invocation owns one tap of one channel and sums in a fixed order: first along each
// row, then the rows of an image, then the images, since a plain float32 sum of many
// terms loses digits that an optimizer like AdamW makes visible.
//
// Invocations  KH · KW · C
// Reads        x [B, H, W, C], dy [B, OH, OW, C]
// Writes       dw [KH, KW, C]

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
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.kernelHeight * sizes.kernelWidth * sizes.channels) {
    return;
  }
  let c = i % sizes.channels;
  let kx = i / sizes.channels % sizes.kernelWidth;
  let ky = i / (sizes.channels * sizes.kernelWidth);
  var sum = 0.0;
  for (var image = 0u; image < sizes.batch; image++) {
    var ofImage = 0.0;
    for (var r = 0u; r < sizes.outHeight; r++) {
      let row = i32(r * sizes.stride + ky * sizes.dilation) - i32(sizes.padding);
      if (row >= 0 && row < i32(sizes.height)) {
        let source = (image * sizes.height + u32(row)) * sizes.width;
        let target_ = (image * sizes.outHeight + r) * sizes.outWidth;
        var ofRow = 0.0;
        for (var col = 0u; col < sizes.outWidth; col++) {
          let at = i32(col * sizes.stride + kx * sizes.dilation) - i32(sizes.padding);
          if (at >= 0 && at < i32(sizes.width)) {
            ofRow += dy[(target_ + col) * sizes.channels + c]
              * x[(source + u32(at)) * sizes.channels + c];
          }
        }
        ofImage += ofRow;
      }
    }
    sum += ofImage;
  }
  dw[i] = sum;
}
