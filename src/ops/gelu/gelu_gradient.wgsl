// Gradient of GELU.
//
//   dx = dy · (Φ(x) + x · φ(x)),  φ(x) = exp(−x² / 2) / √(2π)
//
// Invocations  N
// Reads        x [N], dy [N]
// Writes       dx [N]

fn compute(i: u32) {
  let v = x[i];
  let below = 0.5 + 0.5 * erf(vec4f(v * 0.7071067811865476)).x;
  dx[i] = dy[i] * (below + v * exp(-0.5 * v * v) * 0.3989422804014327);
}
