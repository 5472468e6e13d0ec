import * as tf from "../../src/core/tf.ts";
import { relu } from "../../src/ops/relu/relu.ts";
import { relu6 } from "../../src/ops/relu/relu6.ts";
import { randomTensor, testWasmKernels } from "../support/mod.ts";

for (const [name, rectify, end] of [["relu", relu, 1], ["relu6", relu6, 6]] as const) {
  const withGradient = (x: tf.Tensor1D) => [
    rectify(x),
    tf.grad((x: tf.Tensor) => rectify(x))(x, randomTensor(x.shape, "dy")),
  ];
  testWasmKernels(name, {
    ...Object.fromEntries([1, 2, 3, 4, 4097].map((n) => [
      `${n} elements`,
      () => withGradient(tf.mul(randomTensor<tf.Rank.R1>([n], "x"), end)),
    ])),
    "what is no number": () =>
      withGradient(tf.tensor1d([NaN, -Infinity, Infinity, 0, -1, 1])),
    "the ends": () => withGradient(tf.tensor1d([-0, 0, 5.999, 6, 6.001])),
  }, 0);
}
