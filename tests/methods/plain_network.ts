/**
 * Batch norm and a linear classifier of every pixel, with its gradient, gradient descent
 * and averages, in loops over double-precision numbers: written from the formulas, for
 * tests that compare whole iterations. It shares no code with what is tested.
 *
 * @module
 */

/** Weights by name; a matrix lies row by row. */
export type Plain = Readonly<Record<keyof typeof SIZES, number[]>>;

/** Pixels × channels, row by row. */
export type Pixels = readonly number[];

export const CHANNELS = 3;
export const CLASSES = 3;
export const IGNORED = 255;

const SIZES = {
  scale: CHANNELS,
  shift: CHANNELS,
  mean: CHANNELS,
  variance: CHANNELS,
  filter: CHANNELS * CLASSES,
  bias: CLASSES,
} as const;

/** Those that a gradient reaches, and how much faster than others they learn. */
export const TRAINED = { scale: 1, shift: 1, filter: 10, bias: 10 } as const;
type Trained = keyof typeof TRAINED;
export const TRAINED_NAMES = Object.keys(TRAINED) as Trained[];

const EPSILON = 1e-5;
const KEPT = 0.9;

export const names = Object.keys(SIZES) as (keyof Plain)[];
export const sizeOf = (name: keyof Plain): number => SIZES[name];
export const at = (values: readonly number[], i: number): number => values[i] ?? NaN;

export function copyOf(weights: Plain): Plain {
  return Object.fromEntries(names.map((name) => [name, [...weights[name]]])) as Plain;
}

/** Writes some of one set of weights into another. */
export function put(to: Plain, from: Plain, which: readonly (keyof Plain)[]): void {
  for (const name of which) to[name].splice(0, Infinity, ...from[name]);
}

export const BUFFERS = ["mean", "variance"] as const;

/** to ← keep · to + (1 − keep) · from for what is trained. */
export function mingle(to: Plain, from: Plain, keep: number): void {
  for (const name of TRAINED_NAMES) {
    to[name].forEach((value, i) => {
      to[name][i] = keep * value + (1 - keep) * at(from[name], i);
    });
  }
}

/** What a pass computed. */
export interface Passed {
  /** Pixels × classes. */
  readonly logits: number[];
  readonly normal: number[];
}

/** A pass; in training it normalises by the batch and changes the running moments. */
export function pass(weights: Plain, x: Pixels, training: boolean): Passed {
  const count = x.length / CHANNELS;
  const normal: number[] = [];
  for (let c = 0; c < CHANNELS; c++) {
    const values = Array.from({ length: count }, (_, i) => at(x, i * CHANNELS + c));
    let [mean, variance] = [at(weights.mean, c), at(weights.variance, c)];
    if (training) {
      mean = values.reduce((a, b) => a + b) / count;
      variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / count;
      const unbiased = variance * count / (count - 1);
      weights.mean[c] = KEPT * at(weights.mean, c) + (1 - KEPT) * mean;
      weights.variance[c] = KEPT * at(weights.variance, c) + (1 - KEPT) * unbiased;
    }
    values.forEach((value, i) => {
      normal[i * CHANNELS + c] = (value - mean) / Math.sqrt(variance + EPSILON);
    });
  }
  const logits: number[] = [];
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < CLASSES; k++) {
      let z = at(weights.bias, k);
      for (let c = 0; c < CHANNELS; c++) {
        const y = at(weights.scale, c) * at(normal, i * CHANNELS + c) +
          at(weights.shift, c);
        z += y * at(weights.filter, c * CLASSES + k);
      }
      logits.push(z);
    }
  }
  return { logits, normal };
}

/** What the classifier saw: pixels × channels. */
export function affine(weights: Plain, { normal }: Passed): number[] {
  return normal.map((x, i) =>
    at(weights.scale, i % CHANNELS) * x + at(weights.shift, i % CHANNELS)
  );
}

/** The probabilities of one pixel. */
export function chances(logits: readonly number[], pixel: number): number[] {
  const own = Array.from(
    { length: CLASSES },
    (_, k) => Math.exp(at(logits, pixel * CLASSES + k)),
  );
  const sum = own.reduce((a, b) => a + b);
  return own.map((one) => one / sum);
}

/** Adds factor · Σ (p − 1 at the label) over labelled pixels from `first` on to `slope`. */
export function addSlope(
  slope: number[],
  logits: readonly number[],
  first: number,
  labels: readonly number[],
  factor: number,
): void {
  labels.forEach((label, i) => {
    if (label === IGNORED) return;
    chances(logits, first + i).forEach((p, k) => {
      slope[(first + i) * CLASSES + k] = at(slope, (first + i) * CLASSES + k) +
        factor * (p - (k === label ? 1 : 0));
    });
  });
}

/** Adds the gradient that a gradient of the logits means to `gradient`. */
export function descendInto(
  gradient: Record<Trained, number[]>,
  weights: Plain,
  { normal }: Passed,
  slope: readonly number[],
): void {
  const add = (name: Trained, i: number, value: number) =>
    gradient[name][i] = at(gradient[name], i) + value;
  for (let i = 0; i < slope.length / CLASSES; i++) {
    for (let k = 0; k < CLASSES; k++) {
      const dz = at(slope, i * CLASSES + k);
      add("bias", k, dz);
      for (let c = 0; c < CHANNELS; c++) {
        const x = at(normal, i * CHANNELS + c);
        const w = at(weights.filter, c * CLASSES + k);
        add(
          "filter",
          c * CLASSES + k,
          dz * (at(weights.scale, c) * x + at(weights.shift, c)),
        );
        add("scale", c, dz * w * x);
        add("shift", c, dz * w);
      }
    }
  }
}

/** Adds the gradient that one of what the classifier saw means to `gradient`. */
export function descendAffine(
  gradient: Record<Trained, number[]>,
  { normal }: Passed,
  slope: readonly number[],
): void {
  slope.forEach((dy, i) => {
    const c = i % CHANNELS;
    gradient.scale[c] = at(gradient.scale, c) + dy * at(normal, i);
    gradient.shift[c] = at(gradient.shift, c) + dy;
  });
}

export function noGradient(): Record<Trained, number[]> {
  return {
    scale: Array(sizeOf("scale")).fill(0),
    shift: Array(sizeOf("shift")).fill(0),
    filter: Array(sizeOf("filter")).fill(0),
    bias: Array(sizeOf("bias")).fill(0),
  };
}

/** b ← momentum · b + g + decay · p;  p ← p − rate · b */
export function descend(
  weights: Plain,
  velocity: Record<Trained, number[]>,
  gradient: Record<Trained, number[]>,
  { rate, momentum, decay }: { rate: number; momentum: number; decay: number },
): void {
  for (const name of TRAINED_NAMES) {
    weights[name].forEach((p, i) => {
      const b = momentum * at(velocity[name], i) + at(gradient[name], i) + decay * p;
      velocity[name][i] = b;
      weights[name][i] = p - rate * TRAINED[name] * b;
    });
  }
}
