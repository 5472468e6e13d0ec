// Four classes of a pixel of enlarged logits; put after bilinear.wgsl and before a shader
// that binds `logits`.

// The corners of a pixel's cell in the logits, and where it lies between them.
struct Corners {
  upperLeft: u32,
  upperRight: u32,
  lowerLeft: u32,
  lowerRight: u32,
  x: f32,
  y: f32,
}

fn cornersOf(pixel: u32, ys: Axis, xs: Axis, classes: u32) -> Corners {
  let image = pixel / (xs.outputs * ys.outputs);
  let y = tap(ys, pixel / xs.outputs % ys.outputs);
  let x = tap(xs, pixel % xs.outputs);
  let upper = (image * ys.inputs + y.low) * xs.inputs;
  let lower = (image * ys.inputs + min(y.low + 1u, ys.inputs - 1u)) * xs.inputs;
  let right = min(x.low + 1u, xs.inputs - 1u);
  return Corners(
    (upper + x.low) * classes,
    (upper + right) * classes,
    (lower + x.low) * classes,
    (lower + right) * classes,
    x.share,
    y.share,
  );
}

fn logits4(first: u32, k: vec4u) -> vec4f {
  return vec4f(
    logits[first + k.x],
    logits[first + k.y],
    logits[first + k.z],
    logits[first + k.w],
  );
}

// Mixed along columns first.
fn enlarged(at: Corners, k: vec4u) -> vec4f {
  let left = mix(logits4(at.upperLeft, k), logits4(at.lowerLeft, k), at.y);
  let right = mix(logits4(at.upperRight, k), logits4(at.lowerRight, k), at.y);
  return mix(left, right, at.x);
}
