// One pass of a separable blur of NHWC maps along rows or columns, reflecting at borders.
//
//   y[p] = Σ over k of weights[b, k] · x[reflect(p + k − taps / 2)],  reflect(−1) = 1
//
// The blurred axis has `length` pixels, `inner` elements apart; `image` elements are a sample.
//
// Invocations  B · H · W · C
// Reads        x [B, H, W, C], weights [B, taps]: one filter per sample
// Writes       y [B, H, W, C]

fn compute(i: u32) {
  let place = i32(i / uniforms.inner % uniforms.length);
  let last = i32(uniforms.length) - 1;
  let own = i / uniforms.image * uniforms.taps;
  let first = i - u32(place) * uniforms.inner;
  var sum = 0.0;
  for (var k = 0u; k < uniforms.taps; k++) {
    let at = abs(place + i32(k) - i32(uniforms.taps / 2u));
    let inside = last - abs(last - at);
    sum += weights[own + k] * x[first + u32(inside) * uniforms.inner];
  }
  y[i] = sum;
}
