// Sums of all counts before each, row by row.
//
//   offsets[r, i] = Σ over j < i of counts[r, j]
//
// One workgroup owns a row, and each of its lanes a run of neighbors.
//
// Invocations  64 · R
// Reads        counts [R, N]
// Writes       offsets [R, N]

var<workgroup> sums: array<i32, 64>;

fn computeLane(row: u32, lane: u32) {
  let length = select(0u, uniforms.length, row * 64u < uniforms.invocations);
  let run = (length + 63u) / 64u;
  let begin = min(lane * run, length);
  let end = min(begin + run, length);
  let first = row * uniforms.length;
  var sum = 0;
  for (var i = begin; i < end; i++) {
    sum += counts[first + i];
  }
  sums[lane] = sum;
  workgroupBarrier();
  var before = 0;
  for (var k = 0u; k < lane; k++) {
    before += sums[k];
  }
  for (var i = begin; i < end; i++) {
    offsets[first + i] = before;
    before += counts[first + i];
  }
}
