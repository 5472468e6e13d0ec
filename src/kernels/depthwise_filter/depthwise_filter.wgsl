// Filter gradient of a depthwise convolution of NHWC maps.
//
//   dw[ky, kx, c] = Σ over b, y, x of
//     dy[b, y, x, c] · x[b, y·stride + ky·dilation − padding, …, c]
//
// One invocation owns one tap of one channel and sums in a fixed order.
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

// Adds a term to a sum of (whole blocks of 32, block in hand): a plain float32 sum of many
// rows loses digits that an optimizer like AdamW makes visible. (Kahan's summation would
// be simplified away by drivers.)
fn add(sum: vec2f, term: f32, index: u32) -> vec2f {
  let block = sum.y + term;
  if (index % 32u == 31u) {
    return vec2f(sum.x + block, 0.0);
  }
  return vec2f(sum.x, block);
}

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
  var sum = vec2f();
  for (var r = 0u; r < sizes.batch * sizes.outHeight; r++) {
    let image = r / sizes.outHeight;
    let row = i32(r % sizes.outHeight * sizes.stride + ky * sizes.dilation)
      - i32(sizes.padding);
    if (row >= 0 && row < i32(sizes.height)) {
      let source = (image * sizes.height + u32(row)) * sizes.width;
      for (var col = 0u; col < sizes.outWidth; col++) {
        let at = i32(col * sizes.stride + kx * sizes.dilation) - i32(sizes.padding);
        if (at >= 0 && at < i32(sizes.width)) {
          let g = dy[(r * sizes.outWidth + col) * sizes.channels + c];
          sum = add(sum, g * x[(source + u32(at)) * sizes.channels + c], col);
        }
      }
    }
  }
  dw[i] = (sum.x + sum.y);
}
