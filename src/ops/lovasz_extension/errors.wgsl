// The errors of classes, as keys that sort them in descending order.
//
//   e = |[label = c] − p_c|, key = 1 + bits of 1 − bits of e: nonnegative floats are ordered as
//   their bits; 0 where e is no number, and one more than that of e = 0 where there is no label
//
// Invocations  S · K · P, K classes from `firstClass` on
// Reads        probabilities p [S, P, C], labels [S, P]
// Writes       keys [S · K, P], items [S · K, P]: twice the pixel, plus 1 if it has the class

const ONE_BITS = 0x3f800000u;

fn compute(i: u32) {
  let pixel = i % uniforms.pixels;
  let row = i / uniforms.pixels;
  let c = uniforms.firstClass + row % uniforms.roundClasses;
  let at = row / uniforms.roundClasses * uniforms.pixels + pixel;
  let label = u32(labels[at]);
  let p = probabilities[at * uniforms.classes + c];
  var key = ONE_BITS + 2u;
  if (label < uniforms.classes) {
    let bits = bitcast<u32>(abs(select(0.0, 1.0, label == c) - p));
    // A probability may be above 1 by rounding.
    key = 1u + ONE_BITS - min(bits, ONE_BITS);
    key = select(0u, key, isBelowInfinity(p));
  }
  keys[i] = i32(key);
  items[i] = i32(2u * pixel + select(0u, 1u, label == c));
}
