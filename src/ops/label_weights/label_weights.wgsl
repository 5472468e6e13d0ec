// The weight of every pixel's class.
//
//   weights[i] = classWeights[labels[i]], and 0 where the label is no class
//
// Invocations  N, one per pixel
// Reads        labels [N], classWeights [C]
// Writes       weights [N]

fn compute(i: u32) {
  let label = u32(labels[i]);
  var weight = 0.0;
  if (label < uniforms.classes) {
    weight = classWeights[label];
  }
  weights[i] = weight;
}
