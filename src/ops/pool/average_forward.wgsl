// Average pool of NHWC maps, plain or adaptive.
//
//   y[i, j] = mean of x over rows [start(i), end(i)) and columns [start(j), end(j))
//   plain:    start(i) = i · stride,        end(i) = start(i) + window
//   adaptive: start(i) = floor(i · in/out), end(i) = ceil((i + 1) · in/out); `window` is 0
//
// Invocations  B · OH · OW · C
// Reads        x [B, H, W, C]
// Writes       y [B, OH, OW, C]

fn bin(i: u32, inputs: u32, outputs: u32) -> vec2u {
  if (uniforms.window == 0u) {
    return vec2u(i * inputs / outputs, ((i + 1u) * inputs + outputs - 1u) / outputs);
  }
  return vec2u(i * uniforms.stride, i * uniforms.stride + uniforms.window);
}

fn compute(i: u32) {
  let own = elementOf(i, uniforms.outHeight, uniforms.outWidth);
  let rows = bin(own.row, uniforms.height, uniforms.outHeight);
  let cols = bin(own.col, uniforms.width, uniforms.outWidth);
  var sum = 0.0;
  for (var row = rows.x; row < rows.y; row++) {
    let first = (own.image * uniforms.height + row) * uniforms.width;
    for (var col = cols.x; col < cols.y; col++) {
      sum += x[(first + col) * uniforms.channels + own.channel];
    }
  }
  y[i] = sum / f32((rows.y - rows.x) * (cols.y - cols.x));
}
