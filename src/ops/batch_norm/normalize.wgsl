// Normalizes the columns of a matrix.
//
//   y[r, c] = (x[r, c] − mean[c]) / √(variance[c] + epsilon) · scale[c] + shift[c]
//
// Invocations  R · C
// Reads        x [R, C], mean [C], variance [C], scale [C], shift [C]
// Writes       y [R, C]

fn compute(i: u32) {
  let c = i % uniforms.columns;
  let factor = scale[c] / sqrt(variance[c] + uniforms.epsilon);
  y[i] = fma(x[i] - mean[c], factor, shift[c]);
}
