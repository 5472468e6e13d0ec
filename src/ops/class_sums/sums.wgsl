// Sums of probabilities per class over a tile of pixels.
//
//   sums[tile, 0, c] = Σ over labeled pixels of p_c
//   sums[tile, 1, c] = Σ over pixels of label c of p_c
//
// One invocation owns a class of a tile; neighbors own neighboring classes.
//
// Invocations  S · T · C, T tiles of `tilePixels` pixels (the last may be smaller) per segment
// Reads        probabilities p [S, P, C], labels [S, P]
// Writes       sums [S, T, 2, C]

fn compute(i: u32) {
  let c = i % uniforms.classes;
  let tile = i / uniforms.classes;
  let segment = tile / uniforms.tiles;
  let begin = tile % uniforms.tiles * uniforms.tilePixels;
  let end = min(begin + uniforms.tilePixels, uniforms.pixels);
  var all = vec2f();
  var own = vec2f();
  for (var p = begin; p < end; p++) {
    let at = segment * uniforms.pixels + p;
    let label = u32(labels[at]);
    let value = probabilities[at * uniforms.classes + c];
    all = addTerm(all, select(0.0, value, label < uniforms.classes), p);
    own = addTerm(own, select(0.0, value, label == c), p);
  }
  sums[2u * tile * uniforms.classes + c] = all.x + all.y;
  sums[(2u * tile + 1u) * uniforms.classes + c] = own.x + own.y;
}
