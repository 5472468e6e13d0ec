// Gradient of the sums of probabilities per class.
//
//   gradient[s, i, c] = dy[s, 0, c] + [c = label] · dy[s, 1, c]; 0 where the label is no class
//
// Invocations  S · P · C
// Reads        dy [S, 2, C], labels [S, P]
// Writes       gradient [S, P, C]

fn compute(i: u32) {
  let c = i % uniforms.classes;
  let at = i / uniforms.classes;
  let segment = at / uniforms.pixels;
  let label = u32(labels[at]);
  var value = 0.0;
  if (label < uniforms.classes) {
    value = dy[2u * segment * uniforms.classes + c];
  }
  if (label == c) {
    value += dy[(2u * segment + 1u) * uniforms.classes + c];
  }
  gradient[i] = value;
}
