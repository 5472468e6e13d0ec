import * as tf from "../../src/core/tf.ts";
import { relu } from "../../src/ops/relu/relu.ts";
import { randomTensor, testWasmKernels } from "../support/mod.ts";

const withGradient = (x: tf.Tensor1D) => [
  relu(x),
  tf.grad((x: tf.Tensor) => relu(x))(x, randomTensor(x.shape, "dy")),
];

testWasmKernels("relu", {
  ...Object.fromEntries([1, 2, 3, 4, 4097].map((n) => [
    `${n} elements`,
    () => withGradient(randomTensor<tf.Rank.R1>([n], "x")),
  ])),
  "what is no number": () =>
    withGradient(tf.tensor1d([NaN, -Infinity, Infinity, 0, -1, 1])),
}, 0);
