// Most probable class of each pixel of upsampled logits, its probability under softmax, and
// how many of 64 pixels are confident.
//
//   z_c = bilinear upsampling of the logits of class c
//   label = first c with the largest z_c,  confidence = 1 / Σ over c of exp(z_c − max z)
//
// A workgroup counts its pixels whose confidence reaches the threshold; sum_all.wgsl adds the
// counts.
//
// Invocations  P = B · H · W
// Reads        logits [B, h, w, C]
// Writes       labels [P], confidence [P], counts [⌈P / 64⌉]

// Writes a pixel's label and confidence; returns 1 if it is confident, else 0.
fn argmaxOf(i: u32) -> f32 {
  let softmax = softmaxOf(cornersOf(i));
  labels[i] = i32(softmax.label);
  confidence[i] = 1.0 / softmax.sum;
  return select(0.0, 1.0, 1.0 / softmax.sum >= uniforms.threshold);
}

fn computeLane(group: u32, lane: u32) {
  let i = group * 64u + lane;
  var confident = 0.0;
  if (i < uniforms.invocations) {
    confident = argmaxOf(i);
  }
  let count = workgroupSum(lane, confident);
  if ((lane == 0u) & (i < uniforms.invocations)) {
    counts[group] = count;
  }
}
