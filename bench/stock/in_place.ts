/**
 * Optimizer steps and averages of one tensor as element-wise operations, whose results
 * take the tensor's place as those of `tf.Variable.assign` do.
 *
 * @module
 */
import * as tf from "../../src/core/tf.ts";
import type { AdamWScalars, AdamWUpdate } from "../../src/kernels/adamw/mod.ts";
import type { Blended } from "../../src/kernels/blend/mod.ts";
import type { SgdScalars, SgdUpdate } from "../../src/kernels/sgd/mod.ts";

/** See the operation of this name. */
export function adamw(
  gradient: tf.Tensor,
  parameter: tf.Tensor,
  [m, v]: readonly [tf.Tensor, tf.Tensor],
  { decay, beta1, beta2, take1, take2, step, correction, epsilon }: AdamWScalars,
): void {
  tf.tidy(() => {
    const first = tf.add(tf.mul(m, beta1), tf.mul(gradient, take1));
    const second = tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), take2));
    const divisor = tf.add(tf.mul(tf.sqrt(second), correction), epsilon);
    const moved = tf.sub(parameter, tf.mul(tf.div(first, divisor), step));
    assign(parameter, decay === 0 ? moved : tf.sub(moved, tf.mul(parameter, decay)));
    assign(m, first);
    assign(v, second);
  });
}

/** See the operation of this name; one after another. */
export function adamwAll(
  updates: readonly AdamWUpdate[],
  shared: Omit<AdamWScalars, "decay" | "step">,
): void {
  for (const { gradient, parameter, moments, decay, step } of updates) {
    adamw(gradient, parameter, moments, { ...shared, decay, step });
  }
}

/** See the operation of this name; one after another. */
export function blendAll(pairs: readonly Blended[], keep: number): void {
  for (const { target, source } of pairs) blend(target, source, keep);
}

/** See the operation of this name; one after another. */
export function sgdAll(updates: readonly SgdUpdate[], momentum: number): void {
  for (const { gradient, parameter, buffer, rate, decay } of updates) {
    sgd(gradient, parameter, buffer, { rate, momentum, decay });
  }
}

/** See the operation of this name. */
export function sgd(
  gradient: tf.Tensor,
  parameter: tf.Tensor,
  buffer: tf.Tensor,
  { rate, momentum, decay }: SgdScalars,
): void {
  tf.tidy(() => {
    const slope = tf.add(gradient, tf.mul(parameter, decay));
    const velocity = tf.add(tf.mul(buffer, momentum), slope);
    assign(parameter, tf.sub(parameter, tf.mul(velocity, rate)));
    assign(buffer, velocity);
  });
}

/** See the operation of this name. */
export function blend(target: tf.Tensor, source: tf.Tensor, keep: number): void {
  tf.tidy(() => {
    if (keep === 0) assign(target, source);
    else assign(target, tf.add(tf.mul(target, keep), tf.mul(source, 1 - keep)));
  });
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
