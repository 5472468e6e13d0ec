// Numbers that are none, by their bits: drivers may compute as if there were no NaN, so that
// x != x is false and the larger of NaN and 0 is 0.

const INFINITY_BITS = 0x7f800000u;

// Neither NaN nor ∞; a logit of −∞ is a class without probability.
fn isBelowInfinity(x: f32) -> bool {
  let bits = bitcast<u32>(x);
  return ((bits & 0x7fffffffu) < INFINITY_BITS) | (bits == (INFINITY_BITS | 0x80000000u));
}

// Of a variable, since an expression of constants must be finite.
fn infinity() -> f32 {
  var bits = INFINITY_BITS;
  return bitcast<f32>(bits);
}
