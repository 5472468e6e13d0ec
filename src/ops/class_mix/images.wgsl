// Pasting source pixels over target pixels: the images.
//
//   images[p] = source[p] where mask[p] is not 0, else other[p]
//
// Invocations  P = B · H · W
// Reads        mask [P], source [P, 3], other [P, 3] of the target
// Writes       images [P, 3]

fn compute(i: u32) {
  let pasted = mask[i] != 0;
  for (var c = 3u * i; c < 3u * i + 3u; c++) {
    if (pasted) {
      images[c] = source[c];
    } else {
      images[c] = other[c];
    }
  }
}
