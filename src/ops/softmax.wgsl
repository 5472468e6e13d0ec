// The largest logit z of a row and Σ over c of exp(z[c] − largest).

fn softmaxOf(first: u32) -> vec2f {
  var largest = logits[first];
  for (var c = 1u; c < uniforms.classes; c++) {
    largest = max(largest, logits[first + c]);
  }
  var sum = 0.0;
  for (var c = 0u; c < uniforms.classes; c++) {
    sum += exp(logits[first + c] - largest);
  }
  return vec2f(largest, sum);
}
