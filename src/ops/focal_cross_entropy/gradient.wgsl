// Gradient of the focal cross entropy per pixel.
//
//   g_c = (1 − p_c)^(γ − 1) · (γ · p_c · log p_c − (1 − p_c))
//   gradient[r, c] = dy[r] · (t_c · g_c − p_c · Σ_k t_k · g_k); 0 where the label is no class
//
// Invocations  R, one per pixel
// Reads        logits z [R, C], labels [R], classWeights w [C], dy [R]
// Writes       gradient [R, C]

fn termGradient(p: f32, logP: f32) -> f32 {
  if (uniforms.gamma == 0.0) {
    return -1.0;
  }
  let rest = 1.0 - p;
  if (rest <= 0.0) {
    return 0.0;
  }
  let pLogP = select(0.0, p * logP, p > 0.0);
  return powerOf(rest, uniforms.gamma - 1.0) * (uniforms.gamma * pLogP - rest);
}

fn compute(i: u32) {
  let first = i * uniforms.classes;
  let label = u32(labels[i]);
  if (label >= uniforms.classes) {
    for (var c = 0u; c < uniforms.classes; c++) {
      gradient[first + c] = 0.0;
    }
    return;
  }
  let softmax = softmaxOf(first);
  let logSum = log(softmax.y);
  var sum = 0.0;
  for (var c = 0u; c < uniforms.classes; c++) {
    let logP = logits[first + c] - softmax.x - logSum;
    let p = exp(logP);
    let own = targetWeight(c, label) * termGradient(p, logP);
    gradient[first + c] = own;
    sum += own;
  }
  for (var c = 0u; c < uniforms.classes; c++) {
    let p = exp(logits[first + c] - softmax.x - logSum);
    gradient[first + c] = dy[i] * (gradient[first + c] - p * sum);
  }
}
