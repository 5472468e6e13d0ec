// Pasting source pixels over target pixels: labels and loss weights.
//
//   where mask is not 0: the source's label, weight 1
//   elsewhere:           the target's label and weight
//
// Invocations  P = B · H · W
// Reads        mask [P], source [P], other [P] and otherWeights [P] of the target
// Writes       labels [P], pixelWeights [P]

fn compute(i: u32) {
  if (mask[i] != 0) {
    labels[i] = source[i];
    pixelWeights[i] = 1.0;
  } else {
    labels[i] = other[i];
    pixelWeights[i] = otherWeights[i];
  }
}
