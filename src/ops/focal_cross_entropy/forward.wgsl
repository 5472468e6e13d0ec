// Focal cross entropy per pixel, with smoothed labels and class weights.
//
//   loss[r] = −Σ_c t_c · (1 − p_c)^γ · log p_c,  p = softmax(z[r]); 0 where the label is no
//   class (255), infinite where a logit is NaN or ∞
//
// Invocations  R, one per pixel
// Reads        logits z [R, C], labels [R], classWeights w [C]
// Writes       loss [R]

fn compute(i: u32) {
  let label = u32(labels[i]);
  if (label >= uniforms.classes) {
    loss[i] = 0.0;
    return;
  }
  let first = i * uniforms.classes;
  let softmax = softmaxOf(first);
  let logSum = log(softmax.y);
  var sum = 0.0;
  var below = true;
  for (var c = 0u; c < uniforms.classes; c++) {
    below &= isBelowInfinity(logits[first + c]);
    let weight = targetWeight(c, label);
    if (weight != 0.0) {
      let logP = logits[first + c] - softmax.x - logSum;
      sum -= weight * powerOf(1.0 - exp(logP), uniforms.gamma) * logP;
    }
  }
  loss[i] = select(infinity(), sum, below);
}
