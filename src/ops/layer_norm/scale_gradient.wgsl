// Gradient of layer norm with respect to its scale.
//
//   dscale[c] = Σ over r of dy[r, c] · (x[r, c] − mean[r]) · rstd[r]
//
// Invocations  C, one per column
// Reads        x [R, C], moments [R, 2], dy [R, C]
// Writes       dscale [C]

fn compute(i: u32) {
  var sum = vec2f();
  for (var r = 0u; r < uniforms.rows; r++) {
    let at = r * uniforms.columns + i;
    sum = addTerm(sum, dy[at] * (x[at] - moments[2u * r]) * moments[2u * r + 1u], r);
  }
  dscale[i] = sum.x + sum.y;
}
