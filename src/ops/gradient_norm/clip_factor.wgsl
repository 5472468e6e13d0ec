// The norm of a gradient, and what to multiply the gradient with.
//
//   norm = √Σ sums;  factor = min(1, maxNorm / (norm + 10⁻⁶)), 1 if the norm is not finite
//
// By one workgroup, in a fixed order.
//
// Invocations  64
// Reads        sums [count]
// Writes       norm [1], factor [1]

fn computeLane(group: u32, lane: u32) {
  var term = 0.0;
  for (var i = lane; i < uniforms.count; i += 64u) {
    term += sums[i];
  }
  let sum = workgroupSum(lane, term);
  if (lane == 0u) {
    if (isBelowInfinity(sum)) {
      let length = sqrt(sum);
      norm[0] = length;
      factor[0] = min(1.0, uniforms.maxNorm / (length + 1e-6));
    } else {
      norm[0] = infinity();
      factor[0] = 1.0;
    }
  }
}
