// ReLU6.
//
//   y = min(max(x, 0), 6)
//
// Invocations  N
// Reads        x [N]
// Writes       y [N]

fn compute(i: u32) {
  y[i] = min(max(x[i], 0.0), 6.0);
}
