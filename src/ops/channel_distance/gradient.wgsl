// Gradient of the distance with respect to its first map; that of the second is its negative.
//
//   da[r, c] = dd[r] · (a[r, c] − b[r, c]) / d[r], and 0 where d[r] = 0
//
// Invocations  R · C
// Reads        a [R, C], b [R, C], d [R], dd [R]
// Writes       da [R, C]

fn compute(i: u32) {
  let distance = d[i / uniforms.channels];
  var gradient = 0.0;
  if (distance > 0.0) {
    gradient = dd[i / uniforms.channels] * (a[i] - b[i]) / distance;
  }
  da[i] = gradient;
}
