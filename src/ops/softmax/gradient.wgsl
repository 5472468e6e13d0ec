// Gradient of the softmax over rows that are short.
//
//   dx[r, c] = y[r, c] · (dy[r, c] − Σ over k of y[r, k] · dy[r, k])
//
// Invocations  R, one per row
// Reads        y [R, C], dy [R, C]
// Writes       dx [R, C]

fn compute(i: u32) {
  let first = i * uniforms.columns;
  var sum = 0.0;
  for (var c = 0u; c < uniforms.columns; c++) {
    sum += y[first + c] * dy[first + c];
  }
  for (var c = 0u; c < uniforms.columns; c++) {
    dx[first + c] = y[first + c] * (dy[first + c] - sum);
  }
}
