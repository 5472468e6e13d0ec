// Gradient of layer norm with respect to its input.
//
//   g = dy · scale,  n = (x − mean) · rstd
//   dx = rstd · (g − mean_c(g) − n · mean_c(g · n))
//
// Invocations  R, one per row
// Reads        x [R, C], scale [C], moments [R, 2], dy [R, C]
// Writes       dx [R, C]

fn compute(i: u32) {
  let first = i * uniforms.columns;
  let mean = moments[2u * i];
  let rstd = moments[2u * i + 1u];
  var sum = 0.0;
  var correlation = 0.0;
  for (var c = 0u; c < uniforms.columns; c++) {
    let g = dy[first + c] * scale[c];
    sum += g;
    correlation += g * (x[first + c] - mean) * rstd;
  }
  sum /= f32(uniforms.columns);
  correlation /= f32(uniforms.columns);
  for (var c = 0u; c < uniforms.columns; c++) {
    let g = dy[first + c] * scale[c];
    let n = (x[first + c] - mean) * rstd;
    dx[first + c] = rstd * (g - sum - n * correlation);
  }
}
