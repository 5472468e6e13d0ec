// Gradient of the bilinear resize: every input pixel gathers from the outputs it fed.
//
//   dx[y, x] = Σ over outputs of wy(row, y) · wx(col, x) · dy[row, col]
//
// where w(t, s) is the weight with which output t read input s. The outputs that may have
// read it lie in a window that is searched one row and column wider than needed; weights
// outside are zero. The order of the sum is fixed: equal inputs give equal bits.
//
// Invocations  B · H · W · C
// Reads        dy [B, OH, OW, C]
// Writes       dx [B, H, W, C]

fn weight(target_: u32, at: u32, inputs: u32, outputs: u32) -> f32 {
  let s = source(target_, inputs, outputs);
  let low = min(u32(s), inputs - 1u);
  let high = min(low + 1u, inputs - 1u);
  let f = s - f32(low);
  var w = 0.0;
  if (at == low) {
    w += 1.0 - f;
  }
  if (at == high) {
    w += f;
  }
  return w;
}

// First and last output that may have read input `at`.
fn window(at: u32, inputs: u32, outputs: u32) -> vec2u {
  var ratio = f32(outputs) / f32(inputs);
  var shift = 0.5;
  if (uniforms.alignCorners == 1u) {
    shift = 0.0;
    ratio = 0.0;
    if (inputs > 1u) {
      ratio = f32(outputs - 1u) / f32(inputs - 1u);
    }
  }
  var low = (f32(at) - 1.0 + shift) * ratio - shift - 1.0;
  var high = (f32(at) + 1.0 + shift) * ratio - shift + 1.0;
  if (at == 0u) {
    low = 0.0;
  }
  if (at == inputs - 1u) {
    high = f32(outputs);
  }
  return vec2u(u32(max(low, 0.0)), min(u32(max(high, 0.0)) + 1u, outputs));
}

fn compute(i: u32) {
  let own = elementOf(i, uniforms.height, uniforms.width);
  let rows = window(own.row, uniforms.height, uniforms.outHeight);
  let cols = window(own.col, uniforms.width, uniforms.outWidth);
  var sum = 0.0;
  for (var ty = rows.x; ty < rows.y; ty++) {
    let wy = weight(ty, own.row, uniforms.height, uniforms.outHeight);
    if (wy != 0.0) {
      let first = (own.image * uniforms.outHeight + ty) * uniforms.outWidth;
      for (var tx = cols.x; tx < cols.y; tx++) {
        let wx = weight(tx, own.col, uniforms.width, uniforms.outWidth);
        sum += wy * wx * dy[(first + tx) * uniforms.channels + own.channel];
      }
    }
  }
  dx[i] = sum;
}
