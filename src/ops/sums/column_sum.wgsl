// Sum over the rows of a matrix.
//
//   out[c] = Σ over r of a[r, c], in the order of r
//
// One invocation owns one column; neighbors own neighboring columns, so loads are coalesced.
//
// Invocations  C
// Reads        a [R, C]
// Writes       out [C]

fn compute(c: u32) {
  var sum = vec2f();
  for (var r = 0u; r < uniforms.rows; r++) {
    sum = addTerm(sum, a[r * uniforms.columns + c], r);
  }
  out[c] = sum.x + sum.y;
}
