// Gradient of the nearest resize: every input gathers from the outputs that copied it.
//
//   dx[y, x] = Σ dy over rows ceil(y · OH/H) … ceil((y + 1) · OH/H) − 1 and such columns
//
// Invocations  B · H · W · C
// Reads        dy [B, OH, OW, C]
// Writes       dx [B, H, W, C]

// First output that copied an input; that of the next input is the end.
fn firstCopy(at: u32, inputs: u32, outputs: u32) -> u32 {
  return (at * outputs + inputs - 1u) / inputs;
}

fn compute(i: u32) {
  let own = elementOf(i, uniforms.height, uniforms.width);
  let top = firstCopy(own.row, uniforms.height, uniforms.outHeight);
  let bottom = firstCopy(own.row + 1u, uniforms.height, uniforms.outHeight);
  let left = firstCopy(own.col, uniforms.width, uniforms.outWidth);
  let right = firstCopy(own.col + 1u, uniforms.width, uniforms.outWidth);
  var sum = 0.0;
  for (var ty = top; ty < bottom; ty++) {
    let first = (own.image * uniforms.outHeight + ty) * uniforms.outWidth;
    for (var tx = left; tx < right; tx++) {
      sum += dy[(first + tx) * uniforms.channels + own.channel];
    }
  }
  dx[i] = sum;
}
