// Cuts maps into square windows, rolled and padded with zeros at the bottom and the right.
//
//   windows[b, r, s, i, j, c] = x[b, (r·w + i + shift) mod R·w, (s·w + j + shift) mod S·w, c]
//
// for R·S windows of side w per image, and 0 beyond the border of x.
//
// Invocations  B · R·S · w² · C
// Reads        x [B, H, W, C]
// Writes       windows [B·R·S, w², C]

fn compute(k: u32) {
  let c = k % uniforms.channels;
  let pixel = k / uniforms.channels;
  let j = pixel % uniforms.window;
  let i = pixel / uniforms.window % uniforms.window;
  let window = pixel / (uniforms.window * uniforms.window);
  let s = window % uniforms.columns;
  let r = window / uniforms.columns % uniforms.rows;
  let b = window / (uniforms.columns * uniforms.rows);
  let row = (r * uniforms.window + i + uniforms.shift) % (uniforms.rows * uniforms.window);
  let col = (s * uniforms.window + j + uniforms.shift) % (uniforms.columns * uniforms.window);
  var value = 0.0;
  if ((row < uniforms.height) & (col < uniforms.width)) {
    value = x[((b * uniforms.height + row) * uniforms.width + col) * uniforms.channels + c];
  }
  windows[k] = value;
}
