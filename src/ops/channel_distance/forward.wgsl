// Euclidean distance of two maps over their channels.
//
//   d[r] = √(Σ over c of (a[r, c] − b[r, c])²)
//
// Invocations  R, one per pixel
// Reads        a [R, C], b [R, C]
// Writes       d [R]

fn compute(i: u32) {
  var sum = 0.0;
  for (var c = i * uniforms.channels; c < (i + 1u) * uniforms.channels; c++) {
    let difference = a[c] - b[c];
    sum += difference * difference;
  }
  d[i] = sqrt(sum);
}
