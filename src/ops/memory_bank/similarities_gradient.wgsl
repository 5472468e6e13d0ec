// Gradient of the products with respect to the anchors.
//
//   da[c, q] = dy[c, q, 0] · positives[c] + Σ over k of dy[c, q, 1 + k] · row
//   row = bank[c, v] if v < S, keys[c, v − S] beyond; zeros if v = index[c, q, k] < 0
//
// Invocations  C · Q · D
// Reads        dy [C, Q, N + 1], positives [C, D], bank [C, S, D], keys [C, M, D],
//              index [C, Q, N]
// Writes       da [C, Q, D]

fn compute(i: u32) {
  let d = i % uniforms.columns;
  let query = i / uniforms.columns;
  let class_ = query / uniforms.queries;
  let first = query * (uniforms.negatives + 1u);
  var sum = dy[first] * positives[class_ * uniforms.columns + d];
  for (var k = 0u; k < uniforms.negatives; k++) {
    let v = index[query * uniforms.negatives + k];
    var value = 0.0;
    if (v >= i32(uniforms.capacity)) {
      let row = class_ * uniforms.maxNewKeys + u32(v) - uniforms.capacity;
      value = keys[row * uniforms.columns + d];
    } else if (v >= 0) {
      let row = class_ * uniforms.capacity + u32(v);
      value = bank[row * uniforms.columns + d];
    }
    sum += dy[first + 1u + k] * value;
  }
  da[i] = sum;
}
