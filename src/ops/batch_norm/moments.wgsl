// Mean and biased variance of each column of a matrix.
//
//   mean[c] = Σ_r x[r, c] / R,  variance[c] = Σ_r (x[r, c] − mean[c])² / R
//
// The second pass also sums x − mean, which is what rounding took from the first mean:
// a channel whose mean is large against its deviation amplifies that error.
//
// Invocations  C, one per column
// Reads        x [R, C]
// Writes       mean [C], variance [C]

fn compute(i: u32) {
  var sum = vec2f();
  for (var r = 0u; r < uniforms.rows; r++) {
    sum = addTerm(sum, x[r * uniforms.columns + i], r);
  }
  let center = (sum.x + sum.y) / f32(uniforms.rows);
  var rest = vec2f();
  var squares = vec2f();
  for (var r = 0u; r < uniforms.rows; r++) {
    let off = x[r * uniforms.columns + i] - center;
    rest = addTerm(rest, off, r);
    squares = addTerm(squares, off * off, r);
  }
  let missed = (rest.x + rest.y) / f32(uniforms.rows);
  mean[i] = center + missed;
  variance[i] = (squares.x + squares.y) / f32(uniforms.rows) - missed * missed;
}
