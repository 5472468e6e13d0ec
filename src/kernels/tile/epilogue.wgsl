// What happens to a finished sum: product = g(sum + bias) + residual, g = GELU or nothing.
//
// It goes between the access to four neighbours and a shader with entry point `main`.

override biased: bool = false;
override activated: bool = false;
override residual_added: bool = false;

@group(0) @binding(3) var<storage, read> bias: array<f32>;

// As in gelu.wgsl.
fn erf(a: vec4f) -> vec4f {
  let v = clamp(a, vec4f(-3.832506856900711), vec4f(3.832506856900711));
  let s = v * v;
  let above = ((((0.00022905065861350646 * s + 0.0034082910107109506) * s
    + 0.050955695062380861) * s + 0.18520832239976145) * s + 1.128379143519084) * v;
  let below = ((((-1.1791602954361697e-7 * s + 0.000023547966471313185) * s
    + 0.0010179625278914885) * s + 0.014070470171167667) * s
    + 0.11098505178285362) * s + 0.49746925110067538;
  let last = below * s + 1.0;
  return above / last;
}

// Adds four columns of one row, from `column` on, to the product at `at`.
fn finish(at: u32, column: u32, count: u32, sum: vec4f, isFirst: bool, isLast: bool) {
  var four = sum;
  if (!isFirst) {
    four += productFour(at, count);
  }
  if (isLast) {
    if (biased) {
      four += vec4f(bias[column], bias[column + 1u], bias[column + 2u], bias[column + 3u]);
    }
    if (activated) {
      four *= 0.5 + 0.5 * erf(four * 0.7071067811865476);
    }
    if (residual_added) {
      four += residualFour(at, count);
    }
  }
  setProductFour(at, count, four);
}
