// Max pool of NHWC maps; pixels beyond the border are no candidates.
//
//   y[ty, tx] = max over the window of x
//
// Equal maxima: the first in row-major order wins, and alone receives the gradient.
//
// Invocations  B · OH · OW · C
// Reads        x [B, H, W, C]
// Writes       y [B, OH, OW, C], indices [B, OH, OW, C]: row · W + column of the maximum

fn compute(i: u32) {
  let own = elementOf(i, uniforms.outHeight, uniforms.outWidth);
  // Unsigned, so the border is cut off before the padding is subtracted.
  let y0 = own.row * uniforms.stride;
  let x0 = own.col * uniforms.stride;
  let top = max(y0, uniforms.padding) - uniforms.padding;
  let left = max(x0, uniforms.padding) - uniforms.padding;
  let bottom = min(y0 + uniforms.window - uniforms.padding, uniforms.height);
  let right = min(x0 + uniforms.window - uniforms.padding, uniforms.width);
  let first = own.image * uniforms.height * uniforms.width;
  var index = top * uniforms.width + left;
  var best = x[(first + index) * uniforms.channels + own.channel];
  for (var row = top; row < bottom; row++) {
    for (var col = left; col < right; col++) {
      let at = row * uniforms.width + col;
      let value = x[(first + at) * uniforms.channels + own.channel];
      if (value > best) {
        best = value;
        index = at;
      }
    }
  }
  y[i] = best;
  indices[i] = i32(index);
}
