/** Optimizer steps and moving averages, in place. @module */
import type * as tf from "../../src/core/tf.ts";
import { adamw, blend, sgd } from "../../src/ops/in_place.ts";
import * as stock from "../stock/in_place.ts";
import { numbers, type Pair, pair } from "./pair.ts";

const ADAMW = {
  decay: 6e-7,
  beta1: 0.9,
  beta2: 0.999,
  take1: 0.1,
  take2: 0.001,
  step: 6e-5,
  correction: 1.1,
  epsilon: 1e-8,
};
const SGD = { rate: 1e-2, momentum: 0.9, decay: 1e-4 };

/** One AdamW step of a tensor; gives the parameter and both moments. */
export function adamwPair(size: number): Pair {
  const run = (step: typeof adamw) => (...inputs: tf.Tensor[]) => {
    const [g, p, m, v] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    step(g, p, [m, v], ADAMW);
    return [p, m, v];
  };
  const inputs = () => [
    numbers([size]),
    numbers([size], "parameter"),
    numbers([size], "first"),
    numbers([size], "second").square(),
  ];
  return pair(inputs, [run(adamw), run(stock.adamw)]);
}

/** One step with momentum; gives the parameter and its buffer. */
export function sgdPair(size: number): Pair {
  const run = (step: typeof sgd) => (...inputs: tf.Tensor[]) => {
    const [g, p, b] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor];
    step(g, p, b, SGD);
    return [p, b];
  };
  const inputs = () => [
    numbers([size]),
    numbers([size], "parameter"),
    numbers([size], "buffer"),
  ];
  return pair(inputs, [run(sgd), run(stock.sgd)]);
}

/** A moving average; gives the average. */
export function blendPair(size: number): Pair {
  const run = (average: typeof blend) => (...inputs: tf.Tensor[]) => {
    const [target, source] = inputs as [tf.Tensor, tf.Tensor];
    average(target, source, 0.999);
    return [target];
  };
  const inputs = () => [numbers([size]), numbers([size], "source")];
  return pair(inputs, [run(blend), run(stock.blend)]);
}
