// Softmax cross entropy per pixel.
//
//   loss[r] = log Σ_c exp(z[r, c]) − z[r, label[r]]; 0 where the label is no class (255),
//   infinite where a logit is NaN or ∞
//
// Invocations  R, one per pixel
// Reads        logits z [R, C], labels [R]
// Writes       loss [R]

fn compute(i: u32) {
  let first = i * uniforms.classes;
  let label = u32(labels[i]);
  let softmax = softmaxOf(first);
  var value = 0.0;
  if (label < uniforms.classes) {
    value = softmax.x + log(softmax.y) - logits[first + label];
    var below = true;
    for (var c = 0u; c < uniforms.classes; c++) {
      below &= isBelowInfinity(logits[first + c]);
    }
    value = select(infinity(), value, below);
  }
  loss[i] = value;
}
