// Column sums of a gradient and of its product with the normalized input.
//
//   dshift[c] = Σ_r dy[r, c]
//   dscale[c] = Σ_r dy[r, c] · (x[r, c] − mean[c]) / √(variance[c] + epsilon)
//
// Invocations  C, one per column
// Reads        x [R, C], mean [C], variance [C], dy [R, C]
// Writes       dscale [C], dshift [C]

fn compute(i: u32) {
  let rstd = 1.0 / sqrt(variance[i] + uniforms.epsilon);
  var sum = vec2f();
  var product = vec2f();
  for (var r = 0u; r < uniforms.rows; r++) {
    let at = r * uniforms.columns + i;
    sum = addTerm(sum, dy[at], r);
    product = addTerm(product, dy[at] * (x[at] - mean[i]), r);
  }
  dscale[i] = (product.x + product.y) * rstd;
  dshift[i] = sum.x + sum.y;
}
