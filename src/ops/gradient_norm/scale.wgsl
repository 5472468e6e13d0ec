// A tensor times a number on the device.
//
//   y = factor · x
//
// Invocations  N
// Reads        factor [1], x [N]
// Writes       y [N]

fn compute(i: u32) {
  y[i] = factor[0] * x[i];
}
