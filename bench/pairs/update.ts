/** Optimizer steps and moving averages, in place. @module */
import type * as tf from "../../src/core/tf.ts";
import { adamw, lerp, sgd } from "../../src/ops/in_place/in_place.ts";
import * as tfjs from "../tfjs/in_place.ts";
import { normalTensor, type Pair, pair } from "./pair.ts";

const ADAMW_SCALARS = {
  weightDecayStep: 6e-7,
  beta1: 0.9,
  beta2: 0.999,
  oneMinusBeta1: 0.1,
  oneMinusBeta2: 0.001,
  stepSize: 6e-5,
  biasCorrection: 1.1,
  epsilon: 1e-8,
};
const SGD_SCALARS = { learningRate: 1e-2, momentum: 0.9, weightDecay: 1e-4 };

/** One AdamW step of a tensor; gives the parameter and both moments. */
export function adamwPair(size: number): Pair {
  const run = (step: typeof adamw) => (...inputs: tf.Tensor[]) => {
    const [g, p, m, v] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    step(g, p, [m, v], ADAMW_SCALARS);
    return [p, m, v];
  };
  const inputs = () => [
    normalTensor([size]),
    normalTensor([size], "parameter"),
    normalTensor([size], "first"),
    normalTensor([size], "second").square(),
  ];
  return pair(inputs, [run(adamw), run(tfjs.adamw)]);
}

/** One step with momentum; gives the parameter and its buffer. */
export function sgdPair(size: number): Pair {
  const run = (step: typeof sgd) => (...inputs: tf.Tensor[]) => {
    const [g, p, b] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor];
    step(g, p, b, SGD_SCALARS);
    return [p, b];
  };
  const inputs = () => [
    normalTensor([size]),
    normalTensor([size], "parameter"),
    normalTensor([size], "buffer"),
  ];
  return pair(inputs, [run(sgd), run(tfjs.sgd)]);
}

/** A moving average; gives the average. */
export function lerpPair(size: number): Pair {
  const run = (lerpOf: typeof lerp) => (...inputs: tf.Tensor[]) => {
    const [target, source] = inputs as [tf.Tensor, tf.Tensor];
    lerpOf(target, source, 0.999);
    return [target];
  };
  const inputs = () => [normalTensor([size]), normalTensor([size], "source")];
  return pair(inputs, [run(lerp), run(tfjs.lerp)]);
}
