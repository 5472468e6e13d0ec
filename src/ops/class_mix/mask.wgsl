// Where a sample's chosen classes are.
//
//   mask[b, p] = chosen[b, labels[b, p]], `pixels` of each sample
//
// Invocations  B · H · W
// Reads        labels [B, H, W] in 0 … 255, chosen [B, 256] of 0 and 1
// Writes       mask [B, H, W] of 0 and 1

fn compute(i: u32) {
  mask[i] = chosen[i / uniforms.pixels * 256u + u32(labels[i])];
}
