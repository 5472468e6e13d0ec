// The sum of one term per invocation of a workgroup, in their order; invocation 0 gets it.

var<workgroup> terms: array<f32, 64>;

fn workgroupSum(lane: u32, term: f32) -> f32 {
  terms[lane] = term;
  workgroupBarrier();
  var sum = 0.0;
  if (lane == 0u) {
    for (var k = 0u; k < 64u; k++) {
      sum += terms[k];
    }
  }
  return sum;
}
