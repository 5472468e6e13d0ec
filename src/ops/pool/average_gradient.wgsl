// Gradient of average pool: every input pixel gathers from the bins that cover it.
//
//   dx[y, x] = Σ over bins that hold (y, x) of dy[i, j] / (rows(i) · columns(j))
//
// Adaptive bins may overlap; bin i holds y if floor(y · out/in) ≤ i < ceil((y + 1) · out/in).
//
// Invocations  B · H · W · C
// Reads        dy [B, OH, OW, C]
// Writes       dx [B, H, W, C]

// First bin that holds a coordinate, and the one after the last.
fn covering(at: u32, inputs: u32, outputs: u32) -> vec2u {
  if (uniforms.window == 0u) {
    return vec2u(at * outputs / inputs, ((at + 1u) * outputs + inputs - 1u) / inputs);
  }
  return windowsCovering(at, outputs);
}

fn lengthOf(i: u32, inputs: u32, outputs: u32) -> u32 {
  if (uniforms.window == 0u) {
    return ((i + 1u) * inputs + outputs - 1u) / outputs - i * inputs / outputs;
  }
  return uniforms.window;
}

fn compute(i: u32) {
  let own = elementOf(i, uniforms.height, uniforms.width);
  let rows = covering(own.row, uniforms.height, uniforms.outHeight);
  let cols = covering(own.col, uniforms.width, uniforms.outWidth);
  var sum = 0.0;
  for (var ty = rows.x; ty < rows.y; ty++) {
    let tall = lengthOf(ty, uniforms.height, uniforms.outHeight);
    let first = (own.image * uniforms.outHeight + ty) * uniforms.outWidth;
    for (var tx = cols.x; tx < cols.y; tx++) {
      let wide = lengthOf(tx, uniforms.width, uniforms.outWidth);
      sum += dy[(first + tx) * uniforms.channels + own.channel] / f32(tall * wide);
    }
  }
  dx[i] = sum;
}
