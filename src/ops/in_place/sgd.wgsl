// One step of gradient descent with momentum, in place.
//
//   b ← momentum · b + g + weightDecay · p;  p ← p − learningRate · b
//
// Invocations  N
// Reads        gradient g [N]
// Updates      parameter p [N], momentum buffer b [N]

fn compute(i: u32) {
  let velocity = uniforms.momentum * b[i] + g[i] + uniforms.weightDecay * p[i];
  b[i] = velocity;
  p[i] = p[i] - uniforms.learningRate * velocity;
}
