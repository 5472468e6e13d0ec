// Sum of all numbers over a divisor, by one workgroup.
//
//   total = Σ over i of x[i] / divisor
//
// Invocation k adds x[k], x[k + 64], …; the first one then adds the 64 sums. The order is
// fixed: equal inputs give equal bits.
//
// Invocations  64
// Reads        x [N]
// Writes       total [1]

struct Sizes {
  count: u32,
  divisor: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> total: array<f32>;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < sizes.count; i += 64u) {
    sum += x[i];
  }
  sums[lane] = sum;
  workgroupBarrier();
  if (lane == 0u) {
    var all = 0.0;
    for (var k = 0u; k < 64u; k++) {
      all += sums[k];
    }
    total[0] = all / sizes.divisor;
  }
}
