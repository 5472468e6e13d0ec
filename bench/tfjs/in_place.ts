/**
 * Optimizer steps and averages of one tensor as element-wise operations, whose results
 * take the tensor's place as those of `tf.Variable.assign` do.
 *
 * @module
 */
import * as tf from "../../src/core/tf.ts";
import type {
  AdamWFuturesScalars,
  AdamWScalars,
  AdamWUpdate,
  FuturesEntry,
  LerpPair,
  SgdFuturesScalars,
  SgdScalars,
  SgdUpdate,
} from "../../src/ops/in_place/in_place.ts";

/** See the operation of this name. */
export function adamw(
  gradient: tf.Tensor,
  parameter: tf.Tensor,
  [m, v]: readonly [tf.Tensor, tf.Tensor],
  {
    weightDecayStep,
    beta1,
    beta2,
    oneMinusBeta1,
    oneMinusBeta2,
    stepSize,
    biasCorrection,
    epsilon,
  }: AdamWScalars,
): void {
  tf.tidy(() => {
    const first = tf.add(tf.mul(m, beta1), tf.mul(gradient, oneMinusBeta1));
    const second = tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), oneMinusBeta2));
    const divisor = tf.add(tf.mul(tf.sqrt(second), biasCorrection), epsilon);
    const moved = tf.sub(parameter, tf.mul(tf.div(first, divisor), stepSize));
    assign(
      parameter,
      weightDecayStep === 0 ? moved : tf.sub(moved, tf.mul(parameter, weightDecayStep)),
    );
    assign(m, first);
    assign(v, second);
  });
}

/** See the operation of this name; one after another. */
export function multiTensorAdamW(
  updates: readonly AdamWUpdate[],
  shared: Omit<AdamWScalars, "weightDecayStep" | "stepSize">,
): void {
  for (const { gradient, parameter, moments, weightDecayStep, stepSize } of updates) {
    adamw(gradient, parameter, moments, { ...shared, weightDecayStep, stepSize });
  }
}

/** See the operation of this name; one after another. */
export function multiTensorLerp(pairs: readonly LerpPair[], decay: number): void {
  for (const { target, source } of pairs) lerp(target, source, decay);
}

/** See the operation of this name; one after another. */
export function multiTensorSgd(updates: readonly SgdUpdate[], momentum: number): void {
  for (
    const { gradient, parameter, momentumBuffer, learningRate, weightDecay } of updates
  ) {
    sgd(gradient, parameter, momentumBuffer, { learningRate, momentum, weightDecay });
  }
}

/** See the operation of this name. */
export function sgd(
  gradient: tf.Tensor,
  parameter: tf.Tensor,
  buffer: tf.Tensor,
  { learningRate, momentum, weightDecay }: SgdScalars,
): void {
  tf.tidy(() => {
    const decayedGradient = tf.add(gradient, tf.mul(parameter, weightDecay));
    const velocity = tf.add(tf.mul(buffer, momentum), decayedGradient);
    assign(parameter, tf.sub(parameter, tf.mul(velocity, learningRate)));
    assign(buffer, velocity);
  });
}

/** See the operation of this name. */
export function lerp(target: tf.Tensor, source: tf.Tensor, decay: number): void {
  tf.tidy(() => {
    if (decay === 0) assign(target, source);
    else assign(target, tf.add(tf.mul(target, decay), tf.mul(source, 1 - decay)));
  });
}

/** See the operation of this name; one after another. */
export function multiTensorAdamWFutures(
  entries: readonly FuturesEntry[],
  { biasCorrection, epsilon, ...shared }: Omit<AdamWFuturesScalars, "shift">,
): void {
  enterFutures(entries, shared, ({ first, second }) => {
    const root = tf.sqrt(second ?? tf.zerosLike(first));
    return tf.div(first, tf.add(tf.mul(root, biasCorrection), epsilon));
  });
}

/** See the operation of this name; one after another. */
export function multiTensorSgdFutures(
  entries: readonly FuturesEntry[],
  shared: Omit<SgdFuturesScalars, "shift">,
): void {
  enterFutures(entries, shared, ({ first }) => first);
}

function enterFutures(
  entries: readonly FuturesEntry[],
  { decay, oneMinusDecay }: Omit<SgdFuturesScalars, "shift">,
  directionOf: (entry: FuturesEntry) => tf.Tensor,
): void {
  for (const entry of entries) {
    const { average, parameter, shift } = entry;
    tf.tidy(() => {
      const mean = tf.add(tf.mul(average, decay), tf.mul(parameter, oneMinusDecay));
      assign(average, tf.sub(mean, tf.mul(directionOf(entry), shift)));
    });
  }
}

interface Engine {
  disposeTensor(tensor: tf.Tensor): void;
  incRef(tensor: tf.Tensor, backend: null): void;
}

// What tf.Variable.assign does, for a tensor that a tidy must not free.
function assign(tensor: tf.Tensor, value: tf.Tensor): void {
  const engine = tf.engine() as unknown as Engine;
  tf.keep(tensor);
  engine.disposeTensor(tensor);
  tensor.dataId = value.dataId;
  engine.incRef(tensor, null);
}
