// How many pixels have each label.
//
//   counts[s, c] = number of pixels of segment s with label c
//
// One workgroup owns a class of a segment.
//
// Invocations  64 · S · C
// Reads        labels [S, P]
// Writes       counts [S, C]

var<workgroup> found: array<u32, 64>;

fn computeLane(group: u32, lane: u32) {
  let isReal = group * 64u < uniforms.invocations;
  let segment = group / uniforms.classes;
  var count = 0u;
  for (var p = lane; p < select(0u, uniforms.pixels, isReal); p += 64u) {
    if (u32(labels[segment * uniforms.pixels + p]) == group % uniforms.classes) {
      count++;
    }
  }
  found[lane] = count;
  workgroupBarrier();
  if ((lane == 0u) & isReal) {
    for (var k = 1u; k < 64u; k++) {
      count += found[k];
    }
    counts[group] = f32(count);
  }
}
