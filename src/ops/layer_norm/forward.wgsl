// Layer norm over the last axis.
//
//   y[r, c] = (x[r, c] − mean[r]) · rstd[r] · scale[c] + shift[c]
//   rstd[r] = 1 / √(variance[r] + epsilon), the variance being biased
//
// Invocations  R, one per row
// Reads        x [R, C], scale [C], shift [C]
// Writes       y [R, C], moments [R, 2]: mean and rstd, for the gradients

fn compute(i: u32) {
  let first = i * uniforms.columns;
  let count = f32(uniforms.columns);
  var sum = 0.0;
  for (var c = 0u; c < uniforms.columns; c++) {
    sum += x[first + c];
  }
  let mean = sum / count;
  var squares = 0.0;
  for (var c = 0u; c < uniforms.columns; c++) {
    let centered = x[first + c] - mean;
    squares += centered * centered;
  }
  let rstd = 1.0 / sqrt(squares / count + uniforms.epsilon);
  for (var c = 0u; c < uniforms.columns; c++) {
    y[first + c] = (x[first + c] - mean) * rstd * scale[c] + shift[c];
  }
  moments[2u * i] = mean;
  moments[2u * i + 1u] = rstd;
}
