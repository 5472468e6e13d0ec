// Gradient of batch norm with respect to its input, where the moments are the batch's own.
//
//   n = (x − mean) · rstd
//   dx = scale · rstd · (dy − dshift / R − n · dscale / R)
//
// Invocations  R · C
// Reads        x, mean, variance, scale, dy, dscale, dshift
// Writes       dx [R, C]

fn compute(i: u32) {
  let c = i % uniforms.columns;
  let rows = f32(uniforms.invocations / uniforms.columns);
  let rstd = 1.0 / sqrt(variance[c] + uniforms.epsilon);
  let n = (x[i] - mean[c]) * rstd;
  dx[i] = scale[c] * rstd * (dy[i] - (dshift[c] + n * dscale[c]) / rows);
}
