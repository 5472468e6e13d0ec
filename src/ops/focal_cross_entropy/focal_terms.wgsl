// The terms of the focal cross entropy of a pixel.

// t_c = w_c · ((1 − ε) · [c = label] + ε / C)
fn targetWeight(c: u32, label: u32) -> f32 {
  let own = select(0.0, 1.0 - uniforms.labelSmoothing, c == label);
  return classWeights[c] * (own + uniforms.labelSmoothing / f32(uniforms.classes));
}

// u^e for u ≥ 0, which drivers need not know at 0.
fn powerOf(u: f32, e: f32) -> f32 {
  if (e == 0.0) {
    return 1.0;
  }
  return select(0.0, pow(u, e), u > 0.0);
}
