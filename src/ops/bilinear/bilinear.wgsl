// Where a pixel of an upsampled map reads the map it comes from; see BilinearSizes for the
// uniforms.
//
//   half pixel      source = max((target + ½) · in / out − ½, 0)
//   align corners   source = target · (in − 1) / (out − 1), 0 if out = 1
//
// The pixel mixes the inputs `low` and `low + 1` with the weights 1 − w and w; at the last
// input there is nothing to mix, and w is 0. Positions are integers, in fractions of an
// input pixel, so that no rounding moves a pixel into a neighboring interval.

struct Axis {
  inputs: u32,
  outputs: u32,
  // source = max(step · target + shift, 0) / parts
  step: i32,
  shift: i32,
  parts: i32,
}

struct Tap {
  low: u32,
  weight: f32,
}

fn axisOf(inputs: u32, outputs: u32) -> Axis {
  let n = i32(inputs);
  let m = i32(outputs);
  if (uniforms.alignCorners == 1u) {
    return Axis(inputs, outputs, n - 1, 0, max(m - 1, 1));
  }
  return Axis(inputs, outputs, 2 * n, n - m, 2 * m);
}

fn rowAxis() -> Axis {
  return axisOf(uniforms.height, uniforms.outHeight);
}

fn columnAxis() -> Axis {
  return axisOf(uniforms.width, uniforms.outWidth);
}

fn tap(axis: Axis, target_: u32) -> Tap {
  let source = max(axis.step * i32(target_) + axis.shift, 0);
  let low = source / axis.parts;
  if (u32(low) >= axis.inputs - 1u) {
    return Tap(axis.inputs - 1u, 0.0);
  }
  return Tap(u32(low), f32(source - low * axis.parts) / f32(axis.parts));
}

// The weight w of a target whose lower input is known; 0 at the last input.
fn weightOf(axis: Axis, target_: u32, low: u32) -> f32 {
  if (low == axis.inputs - 1u) {
    return 0.0;
  }
  let source = max(axis.step * i32(target_) + axis.shift, 0);
  return f32(source - i32(low) * axis.parts) / f32(axis.parts);
}

// The first target that reads no input below `low`; `outputs` if there is none.
fn firstTarget(axis: Axis, low: u32) -> u32 {
  if (low == 0u) {
    return 0u;
  }
  if (low >= axis.inputs) {
    return axis.outputs;
  }
  let distance = max(i32(low) * axis.parts - axis.shift, 0);
  return min(u32((distance + axis.step - 1) / axis.step), axis.outputs);
}
