// Moving average, in place.
//
//   average ← decay · average + (1 − decay) · source; an exact copy if decay = 0
//
// 1 − decay is computed on the host: in float32 it would lose up to five digits.
//
// Invocations  N
// Reads        source [N]
// Updates      average [N]

fn compute(i: u32) {
  if (uniforms.decay == 0.0) {
    average[i] = source[i];
  } else {
    average[i] = uniforms.decay * average[i] + uniforms.oneMinusDecay * source[i];
  }
}
