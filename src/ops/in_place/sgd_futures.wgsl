// Moving average into which futures by a momentum buffer enter, in place.
//
//   average ← decay · average + (1 − decay) · p − shift · b
//
// Invocations  N
// Reads        parameter p [N], momentum buffer b [N]
// Updates      average [N]

fn compute(i: u32) {
  let mean = uniforms.decay * average[i] + uniforms.oneMinusDecay * p[i];
  average[i] = mean - uniforms.shift * b[i];
}
