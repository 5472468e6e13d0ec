// What one tap of a convolution reads, transposed: the left factor of its filter gradient.
//
//   out[c, r] = x[b, y·stride + ky·dilation − padding, x·stride + kx·dilation − padding, c]
//
// for r = (b, y, x), and 0 beyond the border. dw[ky, kx] = out · dy as matrices.
//
// Invocations  C · B · OH · OW
// Reads        x [B, H, W, C]
// Writes       out [C, B·OH·OW]

fn compute(i: u32) {
  let pixels = uniforms.batch * uniforms.outHeight * uniforms.outWidth;
  let c = i / pixels;
  let r = i % pixels;
  let image = r / (uniforms.outHeight * uniforms.outWidth);
  let row = i32(r / uniforms.outWidth % uniforms.outHeight * uniforms.stride
    + uniforms.ky * uniforms.dilation) - i32(uniforms.padding);
  let col = i32(r % uniforms.outWidth * uniforms.stride + uniforms.kx * uniforms.dilation)
    - i32(uniforms.padding);
  var value = 0.0;
  if (row >= 0 && row < i32(uniforms.height) && col >= 0 && col < i32(uniforms.width)) {
    let pixel = (image * uniforms.height + u32(row)) * uniforms.width + u32(col);
    value = x[pixel * uniforms.channels + c];
  }
  out[i] = value;
}
