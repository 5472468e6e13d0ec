// Some rows of a matrix.
//
//   out[r, j] = x[index[r, j]], or zeros where the index is negative
//
// Invocations  R · J · D
// Reads        x [P, D], index [R, J]
// Writes       out [R, J, D]

fn compute(i: u32) {
  let row = index[i / uniforms.columns];
  var value = 0.0;
  if (row >= 0) {
    value = x[u32(row) * uniforms.columns + i % uniforms.columns];
  }
  out[i] = value;
}
