// Gradient of max pool: every input pixel gathers from the windows whose maximum it was.
//
//   dx[y, x] = Σ over windows with indices = y · W + x of dy
//
// Invocations  B · H · W · C
// Reads        dy [B, OH, OW, C], indices [B, OH, OW, C]
// Writes       dx [B, H, W, C]

fn compute(i: u32) {
  let own = elementOf(i, uniforms.height, uniforms.width);
  let index = i32(own.row * uniforms.width + own.col);
  let rows = windowsCovering(own.row + uniforms.padding, uniforms.outHeight);
  let cols = windowsCovering(own.col + uniforms.padding, uniforms.outWidth);
  var sum = 0.0;
  for (var ty = rows.x; ty < rows.y; ty++) {
    for (var tx = cols.x; tx < cols.y; tx++) {
      let pixel = (own.image * uniforms.outHeight + ty) * uniforms.outWidth + tx;
      let at = pixel * uniforms.channels + own.channel;
      if (indices[at] == index) {
        sum += dy[at];
      }
    }
  }
  dx[i] = sum;
}
