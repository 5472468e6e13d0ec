// Moving average into which futures by AdamW's moments enter, in place.
//
//   average ← decay · average + (1 − decay) · p − shift · m / (√v · biasCorrection + ε)
//
// Invocations  N
// Reads        parameter p [N], first moment m [N], second moment v [N]
// Updates      average [N]

fn compute(i: u32) {
  let divisor = sqrt(v[i]) * uniforms.biasCorrection + uniforms.epsilon;
  let mean = uniforms.decay * average[i] + uniforms.oneMinusDecay * p[i];
  average[i] = mean - uniforms.shift * m[i] / divisor;
}
