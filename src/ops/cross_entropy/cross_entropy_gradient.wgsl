// Gradient of the softmax cross entropy per pixel.
//
//   gradient[r, c] = dy[r] · (softmax(z[r])[c] − [c = label[r]]); 0 where the label is no class
//
// Invocations  R, one per pixel
// Reads        logits z [R, C], labels [R], dy [R]
// Writes       gradient [R, C]

fn compute(i: u32) {
  let first = i * uniforms.classes;
  let label = u32(labels[i]);
  let softmax = softmaxOf(first);
  for (var c = 0u; c < uniforms.classes; c++) {
    var value = 0.0;
    if (label < uniforms.classes) {
      value = exp(logits[first + c] - softmax.x) / softmax.y;
      if (c == label) {
        value -= 1.0;
      }
      value *= dy[i];
    }
    gradient[first + c] = value;
  }
}
