// Gradient of ReLU6.
//
//   dx = dy where 0 < y < 6, else 0
//
// Invocations  N
// Reads        y [N], dy [N]
// Writes       dx [N]

fn compute(i: u32) {
  let isBetween = (y[i] > 0.0) & (y[i] < 6.0);
  dx[i] = select(0.0, dy[i], isBetween);
}
