/**
 * Where an upsampled axis reads the axis it comes from, as `ops/bilinear/bilinear.wgsl`.
 *
 * Output t reads the inputs low and min(low + 1, inputs − 1); the weight of the latter is 0
 * at the last input.
 */

/** The place of output t, in inputs from the first. */
function sourceOf(t: i32, inputs: i32, outputs: i32, alignCorners: bool): f64 {
  if (!alignCorners) return max((<f64> t + 0.5) * inputs / outputs - 0.5, 0);
  return outputs === 1 ? 0 : <f64> t * (inputs - 1) / (outputs - 1);
}

/** The lower input that output t reads. */
export function lowOf(t: i32, inputs: i32, outputs: i32, alignCorners: bool): i32 {
  return min(<i32> sourceOf(t, inputs, outputs, alignCorners), inputs - 1);
}

/** The weight of the upper input that output t reads. */
export function weightOf(t: i32, inputs: i32, outputs: i32, alignCorners: bool): f32 {
  const low = lowOf(t, inputs, outputs, alignCorners);
  if (low === inputs - 1) return 0;
  return <f32> (sourceOf(t, inputs, outputs, alignCorners) - low);
}

/** The first output whose lower input is `low` or beyond it; `outputs` if none is. */
export function firstOutput(
  low: i32,
  inputs: i32,
  outputs: i32,
  alignCorners: bool,
): i32 {
  let first: i32 = 0, end = outputs;
  while (first < end) {
    const middle = (first + end) >> 1;
    if (lowOf(middle, inputs, outputs, alignCorners) < low) first = middle + 1;
    else end = middle;
  }
  return first;
}

/** Bytes of an output's entry in a table: low and high inputs in bytes, two weights. */
export const TAP_BYTES: usize = 16;

/** Writes the table of an axis whose inputs are `pixelBytes` apart. Items: outputs. */
export function bilinearTaps(
  table: usize,
  inputs: i32,
  outputs: i32,
  alignCorners: bool,
  pixelBytes: usize,
  begin: i32,
  end: i32,
): void {
  for (let t = begin; t < end; t++) {
    const at = table + TAP_BYTES * <usize> t;
    const low = lowOf(t, inputs, outputs, alignCorners);
    const weight = weightOf(t, inputs, outputs, alignCorners);
    store<u32>(at, <u32> (low * pixelBytes));
    store<u32>(at, <u32> (min(low + 1, inputs - 1) * pixelBytes), 4);
    store<f32>(at, 1 - weight, 8);
    store<f32>(at, weight, 12);
  }
}
