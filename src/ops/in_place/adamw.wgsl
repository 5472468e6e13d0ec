// One AdamW step, in place.
//
//   p ← p · (1 − weightDecayStep);  m ← β1·m + (1 − β1)·g;  v ← β2·v + (1 − β2)·g²
//   p ← p − stepSize · m / (√v · biasCorrection + ε)
//
// 1 − β is computed on the host: in float32 it would lose five digits.
//
// Invocations  N
// Reads        gradient g [N]
// Updates      parameter p [N], first moment m [N], second moment v [N]

fn compute(i: u32) {
  let first = uniforms.beta1 * m[i] + uniforms.oneMinusBeta1 * g[i];
  let second = uniforms.beta2 * v[i] + uniforms.oneMinusBeta2 * g[i] * g[i];
  m[i] = first;
  v[i] = second;
  let kept = p[i] - p[i] * uniforms.weightDecayStep;
  let divisor = sqrt(second) * uniforms.biasCorrection + uniforms.epsilon;
  p[i] = kept - uniforms.stepSize * first / divisor;
}
