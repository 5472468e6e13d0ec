// Adds to every lane how many of its elements are NaN or infinite, by their bits; see
// finite.wgsl for why.
//
// Invocations  as many as there are lanes; one strides over the array
// Reads        x [N]
// Updates      counts [lanes]

const EXPONENT = 0x7f800000u;

fn compute(i: u32) {
  var count = 0.0;
  for (var at = i; at < uniforms.size; at += uniforms.invocations) {
    count += select(0.0, 1.0, (x[at] & EXPONENT) == EXPONENT);
  }
  counts[i] += count;
}
