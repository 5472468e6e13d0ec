// The softmax of a pixel of upsampled logits, four classes at a time; put after bilinear.wgsl
// and finite.wgsl.

// The four logit pixels around a pixel, and where it lies between them.
struct Corners {
  upperLeft: u32,
  upperRight: u32,
  lowerLeft: u32,
  lowerRight: u32,
  x: f32,
  y: f32,
}

fn cornersOf(pixel: u32) -> Corners {
  let ys = rowAxis();
  let xs = columnAxis();
  let image = pixel / (xs.outputs * ys.outputs);
  let y = tap(ys, pixel / xs.outputs % ys.outputs);
  let x = tap(xs, pixel % xs.outputs);
  let upper = (image * ys.inputs + y.low) * xs.inputs;
  let lower = (image * ys.inputs + min(y.low + 1u, ys.inputs - 1u)) * xs.inputs;
  let right = min(x.low + 1u, xs.inputs - 1u);
  return Corners(
    (upper + x.low) * uniforms.channels,
    (upper + right) * uniforms.channels,
    (lower + x.low) * uniforms.channels,
    (lower + right) * uniforms.channels,
    x.weight,
    y.weight,
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
fn upsampledLogits(at: Corners, k: vec4u) -> vec4f {
  let left = mix(logits4(at.upperLeft, k), logits4(at.lowerLeft, k), at.y);
  let right = mix(logits4(at.upperRight, k), logits4(at.lowerRight, k), at.y);
  return mix(left, right, at.x);
}

// Below every logit; the largest of none. No difference of it and a logit overflows.
const LOWEST = -1.0e30;

struct Softmax {
  // The first class with the largest logit.
  label: u32,
  largest: f32,
  // Σ over c of exp(z_c − largest)
  sum: f32,
  // Whether all logits are.
  isBelowInfinity: bool,
}

fn areBelowInfinity(z: vec4f) -> bool {
  return isBelowInfinity(z.x) & isBelowInfinity(z.y) & isBelowInfinity(z.z) &
    isBelowInfinity(z.w);
}

// One pass: the sum so far is rescaled where a larger logit turns up, which is rare next to
// the loads.
fn softmaxOf(at: Corners) -> Softmax {
  let C = uniforms.channels;
  var result = Softmax(0u, LOWEST, 0.0, true);
  for (var first = 0u; first < C; first += 4u) {
    let k = first + vec4u(0u, 1u, 2u, 3u);
    let z = select(vec4f(LOWEST), upsampledLogits(at, min(k, vec4u(C - 1u))), k < vec4u(C));
    result.isBelowInfinity &= areBelowInfinity(z);
    let most = max(max(z.x, z.y), max(z.z, z.w));
    if (most > result.largest) {
      result.label =
        select(select(select(k.w, k.z, z.z == most), k.y, z.y == most), k.x, z.x == most);
    }
    let next = max(most, result.largest);
    result.sum = result.sum * exp(result.largest - next) + dot(exp(z - next), vec4f(1.0));
    result.largest = next;
  }
  return result;
}
