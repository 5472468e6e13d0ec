// Most probable class of each row, and its probability under softmax.
//
//   label[r] = first c with the largest logit,  confidence[r] = 1 / Σ over c of exp(z[c] − max z)
//
// Invocations  R, one per row
// Reads        logits [R, C]
// Writes       labels [R], confidence [R]

fn compute(i: u32) {
  let first = i * uniforms.classes;
  var label = 0u;
  var largest = logits[first];
  for (var c = 1u; c < uniforms.classes; c++) {
    let logit = logits[first + c];
    if (logit > largest) {
      largest = logit;
      label = c;
    }
  }
  var sum = 0.0;
  for (var c = 0u; c < uniforms.classes; c++) {
    sum += exp(logits[first + c] - largest);
  }
  labels[i] = i32(label);
  confidence[i] = 1.0 / sum;
}
