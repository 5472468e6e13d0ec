// What happens to a finished sum: product = g(sum + bias) + residual, g = GELU or nothing.

override hasBias: bool = false;
override hasGelu: bool = false;
override hasResidual: bool = false;

// Adds four columns of one row, from `column` on, to the product at `at`.
fn finish(at: u32, column: u32, count: u32, sum: vec4f, isFirst: bool, isLast: bool) {
  var four = sum;
  if (!isFirst) {
    four += productFour(at, count);
  }
  if (isLast) {
    if (hasBias) {
      four += vec4f(bias[column], bias[column + 1u], bias[column + 2u], bias[column + 3u]);
    }
    if (hasGelu) {
      four *= 0.5 + 0.5 * erf(four * 0.7071067811865476);
    }
    if (hasResidual) {
      four += residualFour(at, count);
    }
  }
  setProductFour(at, count, four);
}
