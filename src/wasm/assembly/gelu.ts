/** GELU in its exact form, and its gradient. */
import { erfOf, expNonPositive } from "./exponential";
import { multiplyAdd } from "./simd";
import { endByte, firstByte, loadUpTo, storeUpTo } from "./vectors";

const SQRT_HALF: f32 = 0.70710678;
/** 1 / √(2π), the density of a normal variable at 0. */
const DENSITY_AT_0: f32 = 0.39894228;

// Φ(x), the probability that a normal variable is below x.
function normalCdf(x: v128): v128 {
  const half = f32x4.splat(0.5);
  return multiplyAdd(erfOf(f32x4.mul(x, f32x4.splat(SQRT_HALF))), half, half);
}

/** x · Φ(x). */
export function geluOf(x: v128): v128 {
  return f32x4.mul(x, normalCdf(x));
}

// Φ(x) + x · φ(x), φ being the density.
function geluDerivative(x: v128): v128 {
  const exponential = expNonPositive(f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5)));
  const density = f32x4.mul(exponential, f32x4.splat(DENSITY_AT_0));
  return multiplyAdd(x, density, normalCdf(x));
}

/** out = x · Φ(x). Items: 4096 elements. */
export function gelu(x: usize, out: usize, count: i32, begin: i32, end: i32): void {
  const last = endByte(end, count);
  for (let i = firstByte(begin); i < last; i += 16) {
    storeUpTo(out + i, geluOf(loadUpTo(x + i, last - i)), last - i);
  }
}

/** dx = dy · (Φ(x) + x · φ(x)). Items: 4096 elements. */
export function geluGradient(
  x: usize,
  dy: usize,
  dx: usize,
  count: i32,
  begin: i32,
  end: i32,
): void {
  const last = endByte(end, count);
  for (let i = firstByte(begin); i < last; i += 16) {
    const derivative = geluDerivative(loadUpTo(x + i, last - i));
    storeUpTo(dx + i, f32x4.mul(loadUpTo(dy + i, last - i), derivative), last - i);
  }
}
