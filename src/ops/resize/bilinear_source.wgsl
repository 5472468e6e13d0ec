// Where a bilinear resize reads along an axis.
//
//   half pixel      source = max((target + ½) · in / out − ½, 0)
//   align corners   source = target · (in − 1) / (out − 1), 0 if out = 1

fn source(target_: u32, inputs: u32, outputs: u32) -> f32 {
  if (uniforms.alignCorners == 1u) {
    if (outputs == 1u) {
      return 0.0;
    }
    return f32(target_ * (inputs - 1u)) / f32(outputs - 1u);
  }
  return max((f32(target_) + 0.5) * f32(inputs) / f32(outputs) - 0.5, 0.0);
}
