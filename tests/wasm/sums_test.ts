import * as tf from "../../src/core/tf.ts";
import { columnSum, sumAll } from "../../src/ops/sums/sums.ts";
import { randomTensor, testWasmKernels } from "../support/mod.ts";

const SHAPES = [[1, 1], [3, 2], [64, 4], [65, 7], [200, 300]] as const;

testWasmKernels(
  "columnSum",
  Object.fromEntries(SHAPES.map(([rows, columns]) => [
    `${rows} × ${columns}`,
    () => columnSum(randomTensor<tf.Rank.R2>([rows, columns], "a")),
  ])),
  3e-7,
);

testWasmKernels("sumAll", {
  ...Object.fromEntries([1, 5, 4096, 4097].map((n) => [
    `${n} elements`,
    () => sumAll(randomTensor<tf.Rank.R1>([n], "x"), 3),
  ])),
  "what is no number": () => sumAll(tf.tensor1d([1, Infinity, -Infinity]), 1),
}, 1e-7);
