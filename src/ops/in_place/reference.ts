// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

/**
 * The scalars of one AdamW step on a parameter p with gradient g and moments m and v:
 *
 *   p ← p · (1 − weightDecayStep);  m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²
 *   p ← p − stepSize · m / (√v · biasCorrection + ε)
 */
export interface AdamWScalars {
  /** Learning rate · weight decay. */
  readonly weightDecayStep: number;
  readonly beta1: number;
  readonly beta2: number;
  /** 1 − β₁ */
  readonly oneMinusBeta1: number;
  /** 1 − β₂ */
  readonly oneMinusBeta2: number;
  /** Learning rate / (1 − β₁ᵗ) */
  readonly stepSize: number;
  /** 1 / √(1 − β₂ᵗ) */
  readonly biasCorrection: number;
  readonly epsilon: number;
}

/** One AdamW step, in place. */
export function adamwReference(
  { g, p, m, v }: Arrays<"g" | "p" | "m" | "v">,
  scalars: AdamWScalars,
): void {
  const { weightDecayStep, beta1, beta2, oneMinusBeta1, oneMinusBeta2 } = scalars;
  const { stepSize, biasCorrection, epsilon } = scalars;
  for (let i = 0; i < p.length; i++) {
    const gradient = g[i]!;
    const firstMoment = beta1 * m[i]! + oneMinusBeta1 * gradient;
    const secondMoment = beta2 * v[i]! + oneMinusBeta2 * gradient * gradient;
    m[i] = firstMoment;
    v[i] = secondMoment;
    p[i] = p[i]! - p[i]! * weightDecayStep -
      stepSize * firstMoment / (Math.sqrt(secondMoment) * biasCorrection + epsilon);
  }
}

/**
 * The scalars of one step of gradient descent on p with gradient g and momentum buffer b:
 *
 *   b ← momentum · b + g + weightDecay · p;  p ← p − learningRate · b
 */
export interface SgdScalars {
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
}

/** One step of gradient descent with momentum, in place. */
export function sgdReference(
  { g, p, b }: Arrays<"g" | "p" | "b">,
  { learningRate, momentum, weightDecay }: SgdScalars,
): void {
  for (let i = 0; i < p.length; i++) {
    const velocity = momentum * b[i]! + g[i]! + weightDecay * p[i]!;
    b[i] = velocity;
    p[i]! -= learningRate * velocity;
  }
}

/** average ← decay · average + (1 − decay) · source, in place; an exact copy if decay = 0. */
export function lerpReference(
  { source, average }: Arrays<"source" | "average">,
  { decay }: { readonly decay: number },
): void {
  if (decay === 0) {
    average.set(source);
    return;
  }
  for (let i = 0; i < average.length; i++) {
    average[i] = decay * average[i]! + (1 - decay) * source[i]!;
  }
}

/**
 * The scalars of a moving average into which futures p − k · step enter, k = 1 … K, with
 * step = η · m̂ / (√v̂ + ε):
 *
 *   average ← decay · average + (1 − decay) · p − shift · m / (√v · biasCorrection + ε)
 */
export interface AdamWFuturesScalars {
  /** That of K entries together, as it would be of one. */
  readonly decay: number;
  /** 1 − decay */
  readonly oneMinusDecay: number;
  /** Σ of the shares with which the futures are in the average, times k · η / (1 − β₁ᵗ). */
  readonly shift: number;
  /** 1 / √(1 − β₂ᵗ) */
  readonly biasCorrection: number;
  readonly epsilon: number;
}

/** A moving average of futures by AdamW's moments, in place. */
export function adamwFuturesReference(
  { p, m, v, average }: Arrays<"p" | "m" | "v" | "average">,
  { decay, oneMinusDecay, shift, biasCorrection, epsilon }: AdamWFuturesScalars,
): void {
  for (let i = 0; i < average.length; i++) {
    const step = shift * m[i]! / (Math.sqrt(v[i]!) * biasCorrection + epsilon);
    average[i] = decay * average[i]! + oneMinusDecay * p[i]! - step;
  }
}

/**
 * The scalars of a moving average into which futures p − k · η · b enter, k = 1 … K:
 *
 *   average ← decay · average + (1 − decay) · p − shift · b
 */
export type SgdFuturesScalars = Pick<
  AdamWFuturesScalars,
  "decay" | "oneMinusDecay" | "shift"
>;

/** A moving average of futures by SGD's momentum buffer, in place. */
export function sgdFuturesReference(
  { p, b, average }: Arrays<"p" | "b" | "average">,
  { decay, oneMinusDecay, shift }: SgdFuturesScalars,
): void {
  for (let i = 0; i < average.length; i++) {
    average[i] = decay * average[i]! + oneMinusDecay * p[i]! - shift * b[i]!;
  }
}
