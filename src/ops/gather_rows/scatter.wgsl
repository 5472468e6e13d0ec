// Gradient of gathering rows: the sums over the samples of each row, in their order.
//
//   dx[index[r, j]] = Σ over k with index[r, k] = index[r, j] of dy[r, k]
//
// The first sample of a row of x computes its sum, so no two invocations write to one place:
// two different r must not sample the same row. Rows of x without a sample keep their value.
//
// Invocations  R · J · D
// Reads        dy [R, J, D], index [R, J]
// Updates      dx [P, D]

fn compute(i: u32) {
  let sample = i / uniforms.columns;
  let column = i % uniforms.columns;
  let row = index[sample];
  if (row < 0) {
    return;
  }
  let first = sample / uniforms.samples * uniforms.samples;
  for (var k = first; k < sample; k++) {
    if (index[k] == row) {
      return;
    }
  }
  var sum = 0.0;
  for (var k = sample; k < first + uniforms.samples; k++) {
    if (index[k] == row) {
      sum += dy[k * uniforms.columns + column];
    }
  }
  dx[u32(row) * uniforms.columns + column] = sum;
}
