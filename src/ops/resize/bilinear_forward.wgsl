// Bilinear resize of NHWC maps; see bilinear_source.wgsl.
//
// The neighbor beyond the last row or column is the last one; there is no antialiasing.
//
// Invocations  B · OH · OW · C
// Reads        x [B, H, W, C]
// Writes       y [B, OH, OW, C]

fn compute(i: u32) {
  let own = elementOf(i, uniforms.outHeight, uniforms.outWidth);
  let sy = source(own.row, uniforms.height, uniforms.outHeight);
  let sx = source(own.col, uniforms.width, uniforms.outWidth);
  let top = min(u32(sy), uniforms.height - 1u);
  let left = min(u32(sx), uniforms.width - 1u);
  let bottom = min(top + 1u, uniforms.height - 1u);
  let right = min(left + 1u, uniforms.width - 1u);
  let fy = sy - f32(top);
  let fx = sx - f32(left);

  let first = own.image * uniforms.height;
  let upper = (first + top) * uniforms.width;
  let lower = (first + bottom) * uniforms.width;
  let above = mix(
    x[(upper + left) * uniforms.channels + own.channel],
    x[(upper + right) * uniforms.channels + own.channel],
    fx,
  );
  let below = mix(
    x[(lower + left) * uniforms.channels + own.channel],
    x[(lower + right) * uniforms.channels + own.channel],
    fx,
  );
  y[i] = mix(above, below, fy);
}
