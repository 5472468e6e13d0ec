import * as tf from "../../src/core/tf.ts";
import { gelu } from "../../src/ops/gelu/gelu.ts";
import { randomTensor, testWasmKernels } from "../support/mod.ts";

const withGradient = (x: tf.Tensor1D) => [
  gelu(x),
  tf.grad((x: tf.Tensor) => gelu(x))(x, randomTensor(x.shape, "dy")),
];

testWasmKernels("gelu", {
  ...Object.fromEntries([1, 2, 3, 4, 4095, 4097, 9001].map((n) => [
    `${n} elements`,
    () => withGradient(tf.mul(randomTensor<tf.Rank.R1>([n], "x"), 3)),
  ])),
  "large and small": () =>
    withGradient(tf.tensor1d([-1e30, -40, -14, -6, -1e-3, 0, 1e-20, 5, 30, 1e30])),
  "what is no number": () => withGradient(tf.tensor1d([NaN, 1, 2, 3, 4])),
}, 1e-6);
