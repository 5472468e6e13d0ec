// The weights of a bicubic resize along one axis, as a matrix.
//
//   center = (target + ½) · ratio,  ratio = inputs / (outputs + offset)
//   weight = cubic((source + ½ − center) / width)
//
// Without antialiasing the width is 1, and sources beyond the border are the border. With
// it the width is max(ratio, 1), and the weights of a target are divided by their sum.
//
// Invocations  outputs · inputs
// Writes       weights [outputs, inputs]

// Keys' kernel with the parameters of PyTorch, that of Pillow if antialiased.
fn cubic(distance: f32) -> f32 {
  let a = select(-0.75, -0.5, uniforms.antialias == 1u);
  let d = abs(distance);
  if (d <= 1.0) {
    return ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
  }
  return select(0.0, ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a, d < 2.0);
}

fn compute(i: u32) {
  let inputs = uniforms.inputs;
  let isSame = (uniforms.outputs == inputs)
    & (uniforms.acrossOutputs == uniforms.acrossInputs);
  let ratio = f32(inputs) / (f32(uniforms.outputs) + select(uniforms.offset, 0.0, isSame));
  let source = i % inputs;
  let center = (f32(i / inputs) + 0.5) * ratio;
  let distance = f32(source) + 0.5 - center;
  if (uniforms.antialias == 1u) {
    let width = max(ratio, 1.0);
    var sum = 0.0;
    for (var k = 0u; k < inputs; k++) {
      sum += cubic((f32(k) + 0.5 - center) / width);
    }
    weights[i] = cubic(distance / width) / sum;
    return;
  }
  var weight = cubic(distance);
  if (source == 0u) {
    weight += cubic(distance - 1.0) + cubic(distance - 2.0);
  }
  if (source == inputs - 1u) {
    weight += cubic(distance + 1.0) + cubic(distance + 2.0);
  }
  weights[i] = weight;
}
