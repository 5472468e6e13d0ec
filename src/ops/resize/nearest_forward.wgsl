// Nearest resize of NHWC maps: every output copies one input.
//
//   y[ty, tx] = x[floor(ty · H/OH), floor(tx · W/OW)]
//
// Invocations  B · OH · OW · C
// Reads        x [B, H, W, C]
// Writes       y [B, OH, OW, C]

fn compute(i: u32) {
  let own = elementOf(i, uniforms.outHeight, uniforms.outWidth);
  // In whole numbers, so that no rounding can choose the neighbor.
  let row = own.row * uniforms.height / uniforms.outHeight;
  let col = own.col * uniforms.width / uniforms.outWidth;
  let pixel = (own.image * uniforms.height + row) * uniforms.width + col;
  y[i] = x[pixel * uniforms.channels + own.channel];
}
