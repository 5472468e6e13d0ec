/** Random factors of dropout, by the hash pcg4d of `core/random.ts`. */
import { endByte, firstByte, FLOAT, storeUpTo } from "./vectors";

const MULTIPLIER: i32 = 1664525;
const INCREMENT: i32 = 1013904223;

/**
 * factors[unit] = 1 / (1 − rate) where the unit survives, else 0.
 *
 * A unit's random number, in [0, 1), is that of the words (seed, stream, forwardIndex,
 * firstUnit + unit). Items: 4096 units.
 */
export function dropoutFactors(
  seed: u32,
  stream: u32,
  forwardIndex: u32,
  firstUnit: u32,
  rate: f64,
  factors: usize,
  count: i32,
  begin: i32,
  end: i32,
): void {
  const last = endByte(end, count);
  const threshold = f32x4.splat(<f32> rate);
  const factor = f32x4.splat(<f32> (1 / (1 - rate)));
  const x = i32x4.splat(seed), y = i32x4.splat(stream), z = i32x4.splat(forwardIndex);
  for (let i = firstByte(begin); i < last; i += 16) {
    const first = i32x4.splat(firstUnit + <u32> (i / FLOAT));
    const random = firstWordOf(x, y, z, i32x4.add(first, i32x4(0, 1, 2, 3)));
    const bits = f32x4.convert_i32x4_u(i32x4.shr_u(random, 8));
    const uniform = f32x4.mul(bits, f32x4.splat(1.0 / 16777216));
    storeUpTo(factors + i, v128.and(factor, f32x4.ge(uniform, threshold)), last - i);
  }
}

// The first word of pcg4d for four quadruples of words.
function firstWordOf(x: v128, y: v128, z: v128, w: v128): v128 {
  x = spread(x);
  y = spread(y);
  z = spread(z);
  w = spread(w);
  x = i32x4.add(x, i32x4.mul(y, w));
  y = i32x4.add(y, i32x4.mul(z, x));
  z = i32x4.add(z, i32x4.mul(x, y));
  w = i32x4.add(w, i32x4.mul(y, z));
  x = fold(x);
  return i32x4.add(x, i32x4.mul(fold(y), fold(w)));
}

function spread(word: v128): v128 {
  return i32x4.add(i32x4.mul(word, i32x4.splat(MULTIPLIER)), i32x4.splat(INCREMENT));
}

function fold(word: v128): v128 {
  return v128.xor(word, i32x4.shr_u(word, 16));
}
