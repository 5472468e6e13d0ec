/** Updates of parameters in place: AdamW, gradient descent, moving averages. */
import { multiplyAdd } from "./simd";
import { endByte, firstByte, loadUpTo, storeUpTo } from "./vectors";

/** One AdamW step; see `AdamWScalars`. Items: 4096 elements. */
export function adamw(
  g: usize,
  p: usize,
  m: usize,
  v: usize,
  count: i32,
  weightDecayStep: f32,
  beta1: f32,
  beta2: f32,
  oneMinusBeta1: f32,
  oneMinusBeta2: f32,
  stepSize: f32,
  biasCorrection: f32,
  epsilon: f32,
  begin: i32,
  end: i32,
): void {
  const last = endByte(end, count);
  for (let i = firstByte(begin); i < last; i += 16) {
    const bytes: isize = last - i;
    const gradient = loadUpTo(g + i, bytes), parameter = loadUpTo(p + i, bytes);
    const first = multiplyAdd(
      f32x4.splat(beta1), loadUpTo(m + i, bytes),
      f32x4.mul(f32x4.splat(oneMinusBeta1), gradient),
    );
    const second = multiplyAdd(
      f32x4.splat(beta2), loadUpTo(v + i, bytes),
      f32x4.mul(f32x4.mul(f32x4.splat(oneMinusBeta2), gradient), gradient),
    );
    const size = multiplyAdd(
      f32x4.sqrt(second), f32x4.splat(biasCorrection), f32x4.splat(epsilon),
    );
    const step = f32x4.div(f32x4.mul(f32x4.splat(stepSize), first), size);
    const decay = f32x4.mul(parameter, f32x4.splat(weightDecayStep));
    storeUpTo(m + i, first, bytes);
    storeUpTo(v + i, second, bytes);
    storeUpTo(p + i, f32x4.sub(parameter, f32x4.add(decay, step)), bytes);
  }
}

/** A moving average of futures; see `AdamWFuturesScalars`. Items: 4096 elements. */
export function adamwFutures(
  p: usize,
  m: usize,
  v: usize,
  average: usize,
  count: i32,
  oneMinusDecay: f32,
  shift: f32,
  biasCorrection: f32,
  epsilon: f32,
  begin: i32,
  end: i32,
): void {
  const last = endByte(end, count);
  for (let i = firstByte(begin); i < last; i += 16) {
    const bytes: isize = last - i;
    const size = multiplyAdd(
      f32x4.sqrt(loadUpTo(v + i, bytes)),
      f32x4.splat(biasCorrection),
      f32x4.splat(epsilon),
    );
    const step = f32x4.div(f32x4.mul(f32x4.splat(shift), loadUpTo(m + i, bytes)), size);
    const before = loadUpTo(average + i, bytes);
    const difference = f32x4.sub(loadUpTo(p + i, bytes), before);
    const mean = multiplyAdd(difference, f32x4.splat(oneMinusDecay), before);
    storeUpTo(average + i, f32x4.sub(mean, step), bytes);
  }
}

/** The same by momentum buffers; see `SgdFuturesScalars`. Items: 4096 elements. */
export function sgdFutures(
  p: usize,
  b: usize,
  average: usize,
  count: i32,
  oneMinusDecay: f32,
  shift: f32,
  begin: i32,
  end: i32,
): void {
  const last = endByte(end, count);
  for (let i = firstByte(begin); i < last; i += 16) {
    const bytes: isize = last - i;
    const before = loadUpTo(average + i, bytes);
    const difference = f32x4.sub(loadUpTo(p + i, bytes), before);
    const mean = multiplyAdd(difference, f32x4.splat(oneMinusDecay), before);
    const step = f32x4.mul(f32x4.splat(shift), loadUpTo(b + i, bytes));
    storeUpTo(average + i, f32x4.sub(mean, step), bytes);
  }
}

/** One step of gradient descent with momentum; see `SgdScalars`. Items: 4096 elements. */
export function sgd(
  g: usize,
  p: usize,
  b: usize,
  count: i32,
  learningRate: f32,
  momentum: f32,
  weightDecay: f32,
  begin: i32,
  end: i32,
): void {
  const last = endByte(end, count);
  for (let i = firstByte(begin); i < last; i += 16) {
    const bytes: isize = last - i;
    const parameter = loadUpTo(p + i, bytes);
    let velocity = multiplyAdd(
      f32x4.splat(momentum), loadUpTo(b + i, bytes), loadUpTo(g + i, bytes),
    );
    velocity = multiplyAdd(f32x4.splat(weightDecay), parameter, velocity);
    storeUpTo(b + i, velocity, bytes);
    const step = f32x4.mul(f32x4.splat(learningRate), velocity);
    storeUpTo(p + i, f32x4.sub(parameter, step), bytes);
  }
}

/**
 * average ← average + (1 − decay) · (source − average), whose rounding, unlike that of two
 * products, leaves the average of a constant where it is. Items: 4096 elements.
 */
export function lerp(
  source: usize,
  average: usize,
  count: i32,
  oneMinusDecay: f32,
  begin: i32,
  end: i32,
): void {
  const last = endByte(end, count);
  const weight = f32x4.splat(oneMinusDecay);
  for (let i = firstByte(begin); i < last; i += 16) {
    const bytes: isize = last - i;
    const before = loadUpTo(average + i, bytes);
    const difference = f32x4.sub(loadUpTo(source + i, bytes), before);
    storeUpTo(average + i, multiplyAdd(difference, weight, before), bytes);
  }
}

/** to = from. Items: 4096 elements. */
export function copy(from: usize, to: usize, count: i32, begin: i32, end: i32): void {
  const first = firstByte(begin);
  memory.copy(to + first, from + first, endByte(end, count) - first);
}

/** y ← factor · x, the factor being in memory. Items: 4096 elements. */
export function scale(
  factor: usize,
  x: usize,
  y: usize,
  count: i32,
  begin: i32,
  end: i32,
): void {
  const last = endByte(end, count);
  const times = v128.load32_splat(factor);
  for (let i = firstByte(begin); i < last; i += 16) {
    const bytes: isize = last - i;
    storeUpTo(y + i, f32x4.mul(times, loadUpTo(x + i, bytes)), bytes);
  }
}
