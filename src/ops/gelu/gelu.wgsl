// GELU, exact form.
//
//   out = x · Φ(x),  Φ(x) = (1 + erf(x / √2)) / 2
//
// Invocations  N
// Reads        x [N]
// Writes       out [N]

fn compute(i: u32) {
  let v = x[i];
  out[i] = v * (0.5 + 0.5 * erf(vec4f(v * 0.7071067811865476)).x);
}
