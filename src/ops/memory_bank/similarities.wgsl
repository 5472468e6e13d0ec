// Products of anchors with a positive and with entries of a bank, which are read where they
// lie.
//
//   out[c, q, 0]     = anchors[c, q] · positives[c]
//   out[c, q, 1 + k] = anchors[c, q] · row, v = index[c, q, k]
//   row = bank[c, v] if v < S, keys[c, v − S] beyond; zeros if v is negative
//
// Invocations  C · Q · (N + 1)
// Reads        anchors [C, Q, D], positives [C, D], bank [C, S, D], keys [C, M, D],
//              index [C, Q, N]
// Writes       out [C, Q, N + 1]

fn compute(i: u32) {
  let k = i % (uniforms.negatives + 1u);
  let query = i / (uniforms.negatives + 1u);
  let class_ = query / uniforms.queries;
  let own = query * uniforms.columns;
  var sum = 0.0;
  if (k == 0u) {
    let row = class_ * uniforms.columns;
    for (var d = 0u; d < uniforms.columns; d++) {
      sum += anchors[own + d] * positives[row + d];
    }
    out[i] = sum;
    return;
  }
  let v = index[query * uniforms.negatives + k - 1u];
  if (v >= i32(uniforms.capacity)) {
    let row = (class_ * uniforms.maxNewKeys + u32(v) - uniforms.capacity) * uniforms.columns;
    for (var d = 0u; d < uniforms.columns; d++) {
      sum += anchors[own + d] * keys[row + d];
    }
  } else if (v >= 0) {
    let row = (class_ * uniforms.capacity + u32(v)) * uniforms.columns;
    for (var d = 0u; d < uniforms.columns; d++) {
      sum += anchors[own + d] * bank[row + d];
    }
  }
  out[i] = sum;
}
