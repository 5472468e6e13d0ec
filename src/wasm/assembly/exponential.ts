/** The exponential and the error function of four float32 at a time. */
import { multiplyAdd } from "./simd";

const LOG2_E: f32 = 1.44269504;
// ln 2 in two parts: products of the first with integers to 2⁸ are exact.
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440e-4;
// exp is 0 below, where float32 has no normal number.
const LOWEST: f32 = -87.33654;
// 1.5 · 2²³: added to a small number, it leaves the nearest integer in the lowest bits.
const ROUNDER: f32 = 12582912;

/**
 * exp(x) for x ≤ 0, to 1e-7 of its value; 0 below −87.3.
 *
 * With n = round(x / ln 2) it is 2ⁿ · exp(r), and for r in ±ln 2 / 2 a polynomial.
 *
 * After: expf of the Cephes library of S. L. Moshier, https://www.netlib.org/cephes.
 */
export function expNonPositive(x: v128): v128 {
  const bounded = f32x4.pmax(x, f32x4.splat(LOWEST)); // NaN stays
  const rounded = multiplyAdd(bounded, f32x4.splat(LOG2_E), f32x4.splat(ROUNDER));
  const n = f32x4.sub(rounded, f32x4.splat(ROUNDER));
  let r = multiplyAdd(n, f32x4.splat(-LN2_HIGH), bounded);
  r = multiplyAdd(n, f32x4.splat(-LN2_LOW), r);
  let p = multiplyAdd(f32x4.splat(1.9875691500e-4), r, f32x4.splat(1.3981999507e-3));
  p = multiplyAdd(p, r, f32x4.splat(8.3334519073e-3));
  p = multiplyAdd(p, r, f32x4.splat(4.1665795894e-2));
  p = multiplyAdd(p, r, f32x4.splat(1.6666665459e-1));
  p = multiplyAdd(p, r, f32x4.splat(5.0000001201e-1));
  p = multiplyAdd(p, f32x4.mul(r, r), r);
  p = f32x4.add(p, f32x4.splat(1));
  // 2ⁿ, by the bits of its exponent; those of ROUNDER are shifted out.
  const power = i32x4.shl(i32x4.add(rounded, i32x4.splat(127)), 23);
  return v128.andnot(f32x4.mul(p, power), f32x4.lt(x, f32x4.splat(LOWEST)));
}

const ERF_BOUND: f32 = 3.8325069;

/** The error function: the approximation of `ops/gelu/erf.wgsl`. */
export function erfOf(x: v128): v128 {
  // NaN stays.
  const v = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-ERF_BOUND)), f32x4.splat(ERF_BOUND));
  const s = f32x4.mul(v, v);
  let above = multiplyAdd(
    f32x4.splat(0.00022905065861350646), s, f32x4.splat(0.0034082910107109506),
  );
  above = multiplyAdd(above, s, f32x4.splat(0.050955695062380861));
  above = multiplyAdd(above, s, f32x4.splat(0.18520832239976145));
  above = multiplyAdd(above, s, f32x4.splat(1.128379143519084));
  let below = multiplyAdd(
    f32x4.splat(-1.1791602954361697e-7), s, f32x4.splat(0.000023547966471313185),
  );
  below = multiplyAdd(below, s, f32x4.splat(0.0010179625278914885));
  below = multiplyAdd(below, s, f32x4.splat(0.014070470171167667));
  below = multiplyAdd(below, s, f32x4.splat(0.11098505178285362));
  below = multiplyAdd(below, s, f32x4.splat(0.49746925110067538));
  below = multiplyAdd(below, s, f32x4.splat(1));
  return f32x4.div(f32x4.mul(above, v), below);
}

/**
 * ln(x) for x ≥ 1, to about one unit of the last place; infinity and NaN stay.
 *
 * Not `Math.log`, whose tables would be data of this module: they would be written over
 * what tfjs has at their place on its heap. With x = 2ᵏ · (1 + f) and s = f / (2 + f),
 * ln(1 + f) = f − f²/2 + s · (f²/2 + R(s²)), the coefficients of R being those of fdlibm.
 */
export function naturalLog(x: f64): f64 {
  if (!(x < Infinity)) return x;
  // 1 + f between √½ and √2.
  const bits = reinterpret<u64>(x) - reinterpret<u64>(0.70710678118654752);
  const k = <f64> (<i64> bits >> 52);
  const f = reinterpret<f64>(
    (bits & 0x000fffffffffffff) + reinterpret<u64>(0.70710678118654752),
  ) - 1;
  const s = f / (2 + f);
  const z = s * s, w = z * z;
  const even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373));
  const odd = z * (
    0.6666666666666735 +
    w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586))
  );
  const half = 0.5 * f * f;
  const LOW = 1.9082149292705877e-10, HIGH = 0.6931471803691238; // their sum is ln 2
  return k * HIGH - (half - (s * (half + even + odd) + k * LOW) - f);
}
