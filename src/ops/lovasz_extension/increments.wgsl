// The Lovász extension of the Jaccard loss of sorted errors, and its gradient.
//
//   of the k-th largest error e, F pixels of the class and k − F others being before it, G
//   pixels having the class, U = G + k − F:
//   increment = 1 / U for a pixel of the class, (G − F) / (U · (U + 1)) for another one
//   sums[r, t] = Σ over the tile of increment · e
//   gradient by p_c = −increment for a pixel of the class, increment for another one
//
// These are the differences of neighboring Jaccard losses, without their cancellation. With
// G = 0 the largest error alone counts. An error that is no number makes the sum infinite.
//
// Invocations  64 · S · K · T: a workgroup owns a tile, and each of its lanes 16 neighbors
// Reads        keys [S · K, P], items [S · K, P], counts [S · K, T], offsets [S · K, T]
// Writes       sums [S · K, T], classes from `firstClass` on of gradient [S, P, C]

const ONE_BITS = 0x3f800000u;
const LANE_PIXELS = 16u;

var<workgroup> found: array<i32, 64>;

fn errorOf(key: u32) -> f32 {
  return select(bitcast<f32>(1u + ONE_BITS - key), infinity(), key == 0u);
}

fn computeLane(group: u32, lane: u32) {
  let isReal = group * 64u < uniforms.invocations;
  let row = group / uniforms.tiles;
  let first = row * uniforms.pixels;
  let tileBegin = group % uniforms.tiles * uniforms.tilePixels;
  let begin = min(tileBegin + lane * LANE_PIXELS, uniforms.pixels);
  let end = select(begin, min(begin + LANE_PIXELS, uniforms.pixels), isReal);
  var own = 0;
  for (var k = begin; k < end; k++) {
    own += items[first + k] & 1;
  }
  found[lane] = own;
  workgroupBarrier();
  var before = offsets[group];
  for (var k = 0u; k < lane; k++) {
    before += found[k];
  }
  let last = row * uniforms.tiles + uniforms.tiles - 1u;
  let foreground = offsets[last] + counts[last];
  let c = uniforms.firstClass + row % uniforms.roundClasses;
  let segment = row / uniforms.roundClasses;
  var sum = 0.0;
  for (var k = begin; k < end; k++) {
    let key = u32(keys[first + k]);
    let item = u32(items[first + k]);
    let isOwn = (item & 1u) == 1u;
    let union_ = f32(foreground + i32(k) - before);
    var increment = 0.0;
    if (key <= ONE_BITS + 1u) {
      if (foreground == 0) {
        increment = select(0.0, 1.0, k == 0u);
      } else if (isOwn) {
        increment = 1.0 / union_;
      } else {
        increment = f32(foreground - before) / union_ / (union_ + 1.0);
      }
      sum += increment * errorOf(key);
    }
    before += select(0, 1, isOwn);
    let at = segment * uniforms.pixels + item / 2u;
    gradient[at * uniforms.classes + c] = select(increment, -increment, isOwn);
  }
  let tileSum = workgroupSum(lane, sum);
  if ((lane == 0u) & isReal) {
    sums[group] = tileSum;
  }
}
