// Sum of all elements over a divisor, by one workgroup.
//
//   out = Σ over i of x[i] / divisor
//
// Invocation k adds x[k], x[k + 64], …; invocation 0 then adds the 64 sums. The order is
// fixed: equal inputs give equal bits.
//
// Invocations  64
// Reads        x [N]
// Writes       out [1]

fn computeLane(group: u32, lane: u32) {
  var term = 0.0;
  for (var i = lane; i < uniforms.count; i += 64u) {
    term += x[i];
  }
  let sum = workgroupSum(lane, term);
  if (lane == 0u) {
    out[0] = sum / uniforms.divisor;
  }
}
