// Gradient of a table of biases per relative position.
//
//   dtable[Δ, h] = Σ over pairs p, q of pixels with p − q = Δ of dy[h, p, q], by rows of p
//
// One invocation owns one entry and visits only the pixels that have such a partner.
//
// Invocations  (2w − 1)² · heads
// Reads        dy, summed over windows [heads, w², w²]
// Writes       dtable [(2w − 1)², heads]

fn compute(k: u32) {
  let w = uniforms.window;
  let side = 2u * w - 1u;
  let h = k % uniforms.heads;
  // From 0 to 2w − 2; w − 1 is the pixel itself.
  let down = k / uniforms.heads / side;
  let right = k / uniforms.heads % side;
  let pixels = w * w;
  var sum = 0.0;
  for (var y = max(down, w - 1u) - (w - 1u); y < min(w, down + 1u); y++) {
    var row = 0.0;
    for (var x = max(right, w - 1u) - (w - 1u); x < min(w, right + 1u); x++) {
      let q = (y + w - 1u - down) * w + x + w - 1u - right;
      row += dy[(h * pixels + y * w + x) * pixels + q];
    }
    sum += row;
  }
  dtable[k] = sum;
}
