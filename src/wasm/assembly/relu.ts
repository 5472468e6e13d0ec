/** ReLU and ReLU6, and their gradients. */
import { endByte, firstByte, loadUpTo, storeUpTo } from "./vectors";

/** y = max(x, 0); NaN stays. Items: 4096 elements. */
export function relu(x: usize, y: usize, count: i32, begin: i32, end: i32): void {
  const last = endByte(end, count);
  const zero = f32x4.splat(0);
  for (let i = firstByte(begin); i < last; i += 16) {
    storeUpTo(y + i, f32x4.pmax(loadUpTo(x + i, last - i), zero), last - i);
  }
}

/** dx = dy where y > 0, else 0. Items: 4096 elements. */
export function reluGradient(
  y: usize,
  dy: usize,
  dx: usize,
  count: i32,
  begin: i32,
  end: i32,
): void {
  const last = endByte(end, count);
  const zero = f32x4.splat(0);
  for (let i = firstByte(begin); i < last; i += 16) {
    const isPositive = f32x4.gt(loadUpTo(y + i, last - i), zero);
    storeUpTo(dx + i, v128.and(loadUpTo(dy + i, last - i), isPositive), last - i);
  }
}

/** y = min(max(x, 0), 6); NaN stays. Items: 4096 elements. */
export function relu6(x: usize, y: usize, count: i32, begin: i32, end: i32): void {
  const last = endByte(end, count);
  const zero = f32x4.splat(0), six = f32x4.splat(6);
  for (let i = firstByte(begin); i < last; i += 16) {
    const positive = f32x4.pmax(loadUpTo(x + i, last - i), zero);
    storeUpTo(y + i, f32x4.pmin(positive, six), last - i);
  }
}

/** dx = dy where 0 < y < 6, else 0. Items: 4096 elements. */
export function relu6Gradient(
  y: usize,
  dy: usize,
  dx: usize,
  count: i32,
  begin: i32,
  end: i32,
): void {
  const last = endByte(end, count);
  const zero = f32x4.splat(0), six = f32x4.splat(6);
  for (let i = firstByte(begin); i < last; i += 16) {
    const value = loadUpTo(y + i, last - i);
    const isBetween = v128.and(f32x4.gt(value, zero), f32x4.lt(value, six));
    storeUpTo(dx + i, v128.and(loadUpTo(dy + i, last - i), isBetween), last - i);
  }
}
