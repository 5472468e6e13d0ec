// The error function of four numbers: the rational approximation of XLA and Eigen, odd
// polynomial over even polynomial on [−3.832, 3.832], error below 5e-7 of 1.

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
