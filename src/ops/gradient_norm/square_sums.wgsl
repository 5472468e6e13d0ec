// Sums of the squares of a tensor's elements, one per lane.
//
//   sums[i] = Σ over at = i, i + lanes, … of g[at]²; ∞ if one of them is NaN or infinite
//
// The bits tell what is finite; see finite.wgsl for why.
//
// Invocations  lanes
// Reads        g [N]
// Writes       sums [lanes]

fn compute(i: u32) {
  var infinityBits = 0x7f800000u;
  var sum = 0.0;
  for (var at = i; at < uniforms.count; at += uniforms.lanes) {
    let bits = g[at];
    let isFinite = (bits & infinityBits) != infinityBits;
    let x = bitcast<f32>(bits);
    sum += select(bitcast<f32>(infinityBits), x * x, isFinite);
  }
  sums[i] = sum;
}
