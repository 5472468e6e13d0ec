// Softmax cross entropy of upsampled logits, pass 1 of 4: every pixel's loss.
//
//   z_c = bilinear upsampling of the logits of class c at pixel p
//   logSumExp[p] = log Σ_c exp(z_c),  loss = w[p] · (logSumExp[p] − z_label)
//
// The loss is 0 where the label is no class (255, the ignored index) or the weight is 0, and
// infinite where a logit is NaN or ∞. A workgroup adds the losses of 64 pixels in order; pass
// 2 (sum_all.wgsl) adds those sums.
//
// Invocations  P = B · H · W
// Reads        logits [B, h, w, C], labels [P], weights w [P] (any tensor if not weighted)
// Writes       logSumExp [P], sums [⌈P / 64⌉]

fn lossOf(i: u32) -> f32 {
  let label = u32(labels[i]);
  var weight = 1.0;
  if (uniforms.weighted == 1u) {
    weight = weights[i];
  }
  if ((label >= uniforms.channels) | (weight == 0.0)) {
    logSumExp[i] = 0.0;
    return 0.0;
  }
  let at = cornersOf(i);
  let softmax = softmaxOf(at);
  let own = upsampledLogits(at, vec4u(label)).x;
  logSumExp[i] = softmax.largest + log(softmax.sum);
  let loss = (softmax.largest - own) + log(softmax.sum);
  return weight * select(infinity(), loss, softmax.isBelowInfinity);
}

fn computeLane(group: u32, lane: u32) {
  let i = group * 64u + lane;
  var loss = 0.0;
  if (i < uniforms.invocations) {
    loss = lossOf(i);
  }
  let sum = workgroupSum(lane, loss);
  if ((lane == 0u) & (i < uniforms.invocations)) {
    sums[group] = sum;
  }
}
