// Puts windows back in their places on the maps: undoes partition.wgsl, and is its gradient.
//
//   x[b, row, col, c] = windows[b, r, s, i, j, c]
//
// with r·w + i = (row − shift) mod R·w and s·w + j = (col − shift) mod S·w; the padding is
// dropped.
//
// Invocations  B · H · W · C
// Reads        windows [B·R·S, w², C]
// Writes       x [B, H, W, C]

fn compute(k: u32) {
  let c = k % uniforms.channels;
  let pixel = k / uniforms.channels;
  let height = uniforms.rows * uniforms.window;
  let width = uniforms.columns * uniforms.window;
  let col = (pixel % uniforms.width + width - uniforms.shift) % width;
  let row = (pixel / uniforms.width % uniforms.height + height - uniforms.shift) % height;
  let b = pixel / (uniforms.width * uniforms.height);
  let windowRow = b * uniforms.rows + row / uniforms.window;
  let window = windowRow * uniforms.columns + col / uniforms.window;
  let place = row % uniforms.window * uniforms.window + col % uniforms.window;
  let at = window * uniforms.window * uniforms.window + place;
  x[k] = windows[at * uniforms.channels + c];
}
