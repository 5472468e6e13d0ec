// Where a pixel of an enlarged map reads the map it came from; put before the shaders that
// enlarge logits on the fly.
//
//   half pixel      source = max((target + ½) · in / out − ½, 0)
//   align corners   source = target · (in − 1) / (out − 1), 0 if out = 1
//
// The pixel mixes the inputs `low` and `low + 1` with the weights 1 − share and share; at
// the last input there is nothing to mix, and share is 0. Everything is counted in parts of an
// input pixel, as integers, so that no rounding puts a pixel beside its cell.

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
  share: f32,
}

fn axisOf(inputs: u32, outputs: u32, alignCorners: u32) -> Axis {
  let n = i32(inputs);
  let m = i32(outputs);
  if (alignCorners == 1u) {
    return Axis(inputs, outputs, n - 1, 0, max(m - 1, 1));
  }
  return Axis(inputs, outputs, 2 * n, n - m, 2 * m);
}

fn tap(axis: Axis, target_: u32) -> Tap {
  let source = max(axis.step * i32(target_) + axis.shift, 0);
  let low = source / axis.parts;
  if (u32(low) >= axis.inputs - 1u) {
    return Tap(axis.inputs - 1u, 0.0);
  }
  return Tap(u32(low), f32(source - low * axis.parts) / f32(axis.parts));
}

// The share of a target whose lower input is known; 0 at the last input.
fn shareOf(axis: Axis, target_: u32, low: u32) -> f32 {
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
