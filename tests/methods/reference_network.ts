/**
 * Reference of batch norm and a linear classifier per pixel, with gradients, SGD and EMA, in
 * loops over double-precision numbers: written from the formulas, for tests that compare
 * whole iterations. It shares no code with the tested code.
 *
 * @module
 */

/** Weights by name; matrices are row-major. */
export type ReferenceWeights = Readonly<Record<keyof typeof SIZES, number[]>>;

/** Pixels × channels, row-major. */
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

/** The trainable weights and their learning rate multipliers. */
export const LR_MULTIPLIERS = { scale: 1, shift: 1, filter: 10, bias: 10 } as const;
type TrainableName = keyof typeof LR_MULTIPLIERS;
export const TRAINABLE_NAMES = Object.keys(LR_MULTIPLIERS) as TrainableName[];

const EPSILON = 1e-5;
const RUNNING_STATS_DECAY = 0.9;

export const names = Object.keys(SIZES) as (keyof ReferenceWeights)[];
export const sizeOf = (name: keyof ReferenceWeights): number => SIZES[name];
export const at = (values: readonly number[], i: number): number => values[i] ?? NaN;

export function cloneWeights(weights: ReferenceWeights): ReferenceWeights {
  return Object.fromEntries(
    names.map((name) => [name, [...weights[name]]]),
  ) as ReferenceWeights;
}

/** Copies the named weights of one set into another. */
export function copyInto(
  to: ReferenceWeights,
  from: ReferenceWeights,
  selected: readonly (keyof ReferenceWeights)[],
): void {
  for (const name of selected) to[name].splice(0, Infinity, ...from[name]);
}

export const BUFFERS = ["mean", "variance"] as const;

/** to ← decay · to + (1 − decay) · from for trainable weights. */
export function emaUpdate(
  to: ReferenceWeights,
  from: ReferenceWeights,
  decay: number,
): void {
  for (const name of TRAINABLE_NAMES) {
    to[name].forEach((value, i) => {
      to[name][i] = decay * value + (1 - decay) * at(from[name], i);
    });
  }
}

/** The results of a forward pass. */
export interface ForwardOutput {
  /** Pixels × classes. */
  readonly logits: number[];
  /** The normalized input: pixels × channels. */
  readonly normalized: number[];
}

/** A forward pass; training uses batch statistics and updates the running ones. */
export function forward(
  weights: ReferenceWeights,
  x: Pixels,
  training: boolean,
): ForwardOutput {
  const count = x.length / CHANNELS;
  const normalized: number[] = [];
  for (let c = 0; c < CHANNELS; c++) {
    const values = Array.from({ length: count }, (_, i) => at(x, i * CHANNELS + c));
    let [mean, variance] = [at(weights.mean, c), at(weights.variance, c)];
    if (training) {
      mean = values.reduce((a, b) => a + b) / count;
      variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / count;
      const unbiased = variance * count / (count - 1);
      weights.mean[c] = RUNNING_STATS_DECAY * at(weights.mean, c) +
        (1 - RUNNING_STATS_DECAY) * mean;
      weights.variance[c] = RUNNING_STATS_DECAY * at(weights.variance, c) +
        (1 - RUNNING_STATS_DECAY) * unbiased;
    }
    values.forEach((value, i) => {
      normalized[i * CHANNELS + c] = (value - mean) / Math.sqrt(variance + EPSILON);
    });
  }
  const logits: number[] = [];
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < CLASSES; k++) {
      let z = at(weights.bias, k);
      for (let c = 0; c < CHANNELS; c++) {
        const y = at(weights.scale, c) * at(normalized, i * CHANNELS + c) +
          at(weights.shift, c);
        z += y * at(weights.filter, c * CLASSES + k);
      }
      logits.push(z);
    }
  }
  return { logits, normalized };
}

/** The input of the classifier: pixels × channels. */
export function classifierInput(
  weights: ReferenceWeights,
  { normalized }: ForwardOutput,
): number[] {
  return normalized.map((x, i) =>
    at(weights.scale, i % CHANNELS) * x + at(weights.shift, i % CHANNELS)
  );
}

/** The class probabilities of one pixel. */
export function probabilities(logits: readonly number[], pixel: number): number[] {
  const powers = Array.from(
    { length: CLASSES },
    (_, k) => Math.exp(at(logits, pixel * CLASSES + k)),
  );
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** Adds the gradient of factor · Σ cross entropy over labeled pixels from `first` on. */
export function addCrossEntropyGradient(
  outputGradient: number[],
  logits: readonly number[],
  first: number,
  labels: readonly number[],
  factor: number,
): void {
  labels.forEach((label, i) => {
    if (label === IGNORED) return;
    probabilities(logits, first + i).forEach((p, k) => {
      outputGradient[(first + i) * CLASSES + k] =
        at(outputGradient, (first + i) * CLASSES + k) +
        factor * (p - (k === label ? 1 : 0));
    });
  });
}

/** Backpropagates a gradient of the logits and adds it to `gradient`. */
export function backpropagateLogits(
  gradient: Record<TrainableName, number[]>,
  weights: ReferenceWeights,
  { normalized }: ForwardOutput,
  outputGradient: readonly number[],
): void {
  const add = (name: TrainableName, i: number, value: number) =>
    gradient[name][i] = at(gradient[name], i) + value;
  for (let i = 0; i < outputGradient.length / CLASSES; i++) {
    for (let k = 0; k < CLASSES; k++) {
      const dz = at(outputGradient, i * CLASSES + k);
      add("bias", k, dz);
      for (let c = 0; c < CHANNELS; c++) {
        const x = at(normalized, i * CHANNELS + c);
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

/** Backpropagates a gradient of the classifier input and adds it to `gradient`. */
export function backpropagateClassifierInput(
  gradient: Record<TrainableName, number[]>,
  { normalized }: ForwardOutput,
  outputGradient: readonly number[],
): void {
  outputGradient.forEach((dy, i) => {
    const c = i % CHANNELS;
    gradient.scale[c] = at(gradient.scale, c) + dy * at(normalized, i);
    gradient.shift[c] = at(gradient.shift, c) + dy;
  });
}

export function zeroGradient(): Record<TrainableName, number[]> {
  return {
    scale: Array(sizeOf("scale")).fill(0),
    shift: Array(sizeOf("shift")).fill(0),
    filter: Array(sizeOf("filter")).fill(0),
    bias: Array(sizeOf("bias")).fill(0),
  };
}

/** b ← momentum · b + g + weightDecay · p;  p ← p − learningRate · b */
export function sgdStep(
  weights: ReferenceWeights,
  velocity: Record<TrainableName, number[]>,
  gradient: Record<TrainableName, number[]>,
  { learningRate, momentum, weightDecay }: {
    learningRate: number;
    momentum: number;
    weightDecay: number;
  },
): void {
  for (const name of TRAINABLE_NAMES) {
    weights[name].forEach((p, i) => {
      const b = momentum * at(velocity[name], i) + at(gradient[name], i) +
        weightDecay * p;
      velocity[name][i] = b;
      weights[name][i] = p - learningRate * LR_MULTIPLIERS[name] * b;
    });
  }
}
