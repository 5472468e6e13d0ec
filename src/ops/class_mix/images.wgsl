// Pasting source pixels over target pixels: the images, of `channels` channels, C.
//
//   images[p] = source[p] where mask[p] is not 0, else other[p]
//
// Invocations  P = B · H · W
// Reads        mask [P], source [P, C], other [P, C] of the target
// Writes       images [P, C]

fn compute(i: u32) {
  let pasted = mask[i] != 0;
  let first = uniforms.channels * i;
  for (var c = first; c < first + uniforms.channels; c++) {
    if (pasted) {
      images[c] = source[c];
    } else {
      images[c] = other[c];
    }
  }
}
