// Softmax over rows that are short.
//
//   y[r, c] = exp(x[r, c] − largest) / Σ over k of exp(x[r, k] − largest)
//
// Invocations  R, one per row
// Reads        x [R, C]
// Writes       y [R, C]

fn compute(i: u32) {
  let first = i * uniforms.columns;
  var largest = x[first];
  for (var c = 1u; c < uniforms.columns; c++) {
    largest = max(largest, x[first + c]);
  }
  var sum = 0.0;
  for (var c = 0u; c < uniforms.columns; c++) {
    let value = exp(x[first + c] - largest);
    y[first + c] = value;
    sum += value;
  }
  for (var c = 0u; c < uniforms.columns; c++) {
    y[first + c] /= sum;
  }
}
