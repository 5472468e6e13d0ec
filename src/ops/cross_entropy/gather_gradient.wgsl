// Gradient of the cross entropy of upsampled logits, pass 4 of 4: a logit is the corner
// of four squares.
//
// Invocations  N = B · h · w · C
// Reads        cornerGradients [N, 4]: upper left, upper right, lower left, lower right
// Writes       gradient [N]

fn compute(i: u32) {
  let left = i / uniforms.channels % uniforms.width;
  let line = uniforms.width * uniforms.channels;
  let top = i / line % uniforms.height;
  var sum = cornerGradients[i].x;
  if (left > 0u) {
    sum += cornerGradients[i - uniforms.channels].y;
  }
  if (top > 0u) {
    sum += cornerGradients[i - line].z;
    if (left > 0u) {
      sum += cornerGradients[i - line - uniforms.channels].w;
    }
  }
  gradient[i] = sum;
}
