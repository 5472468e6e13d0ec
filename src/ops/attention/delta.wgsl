// What the gradient of the softmax subtracts from the gradient of each score of a row:
//
//   delta[n] = Σ over the channels of a head of dy[n] · out[n]
//
// Invocations  B · heads · N, the queries of a head side by side
// Reads        dy [B, N, C], out [B, N, C]
// Writes       delta [B, heads, N]

fn compute(i: u32) {
  let head = i / uniforms.rows % uniforms.heads;
  let own = rowAt(i / (uniforms.rows * uniforms.heads), head, i % uniforms.rows);
  var sum = 0.0;
  for (var j = 0u; j < uniforms.depth; j++) {
    sum += dot(dy[own + j], out[own + j]);
  }
  delta[i] = sum;
}
