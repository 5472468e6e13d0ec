// Dropout of units, forward and backward alike.
//
//   out[i] = x[i] / (1 − rate) if uniformAt(unit(i)) ≥ rate, else 0
//   unit(i) = firstUnit + (i / outer) · inner + i mod inner
//
// Single elements: outer = inner = 1. Channels of [B, H, W, C]: outer = H·W·C, inner = C.
// Whole samples: outer = elements of a sample, inner = 1.
//
// Invocations  N
// Reads        x [N]
// Writes       out [N]

fn compute(i: u32) {
  let unit = uniforms.firstUnit + i / uniforms.outer * uniforms.inner + i % uniforms.inner;
  var value = 0.0;
  if (uniformAt(unit) >= uniforms.rate) {
    value = x[i] / (1.0 - uniforms.rate);
  }
  out[i] = value;
}
