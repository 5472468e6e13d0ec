import * as tf from "../../src/core/tf.ts";
import {
  batchMoments,
  batchNorm,
  frozenBatchNorm,
} from "../../src/ops/batch_norm/batch_norm.ts";
import { layerNorm } from "../../src/ops/layer_norm/layer_norm.ts";
import { softmax } from "../../src/ops/softmax/softmax.ts";
import { randomTensor, testWasmKernels } from "../support/mod.ts";

const SHAPES = [[1, 1], [2, 3], [7, 4], [64, 5], [65, 6], [67, 33], [300, 130]] as const;

type Matrix = tf.Tensor2D;
type Three = [tf.Tensor, tf.Tensor, tf.Tensor];

function bySize(compute: (x: Matrix, columns: number) => tf.Tensor | tf.Tensor[]) {
  return Object.fromEntries(SHAPES.map(([rows, columns]) => [
    `${rows} × ${columns}`,
    () => compute(randomTensor<tf.Rank.R2>([rows, columns], "x"), columns),
  ]));
}

const row = (columns: number, name: string) => randomTensor<tf.Rank.R1>([columns], name);

/** The result, and the gradients by x, scale and shift. */
function withGradients(
  norm: (...inputs: Three) => tf.Tensor,
  x: Matrix,
  columns: number,
): tf.Tensor[] {
  const inputs: Three = [x, row(columns, "scale"), row(columns, "shift")];
  const dy = randomTensor<tf.Rank.R2>(x.shape, "dy");
  return [norm(...inputs), ...tf.grads((...xs) => norm(...xs as Three))(inputs, dy)];
}

const moments = (x: Matrix) => {
  const { mean, variance } = batchMoments(x);
  return [mean, variance];
};
const givenMoments = (columns: number) => ({
  mean: row(columns, "mean"),
  variance: tf.add(tf.abs(row(columns, "variance")), 0.1),
});

testWasmKernels("batchMoments", {
  ...bySize(moments),
  "a mean that is large against the deviation": () =>
    moments(tf.add(randomTensor<tf.Rank.R2>([400, 6], "x"), 1000)),
  "a constant": () => moments(tf.fill([70, 3], 0.1)),
  "what is no number": () => moments(tf.tensor2d([[1, 2], [NaN, 3], [4, 5]])),
}, 1e-6);

testWasmKernels(
  "batchNorm",
  bySize((x, columns) =>
    withGradients(
      (x, scale, shift) =>
        batchNorm(x, { scale, shift, epsilon: 1e-5 }, givenMoments(columns)),
      x,
      columns,
    )
  ),
  1e-6,
);

testWasmKernels(
  "frozenBatchNorm",
  bySize((x, columns) =>
    withGradients(
      (x, scale, shift) =>
        frozenBatchNorm(x, { scale, shift, epsilon: 1e-5 }, givenMoments(columns)),
      x,
      columns,
    )
  ),
  1e-6,
);

const layerNormWithGradients = (x: Matrix, columns: number) =>
  withGradients((x, scale, shift) => layerNorm(x, scale, shift, 1e-6), x, columns);

testWasmKernels("layerNorm", {
  ...bySize(layerNormWithGradients),
  "a mean that is large against the deviation": () =>
    layerNormWithGradients(tf.add(randomTensor<tf.Rank.R2>([20, 30], "x"), 100), 30),
  "what is no number": () =>
    layerNormWithGradients(tf.tensor2d([[1, 2, 3, 4, NaN], [1, 2, 3, 4, 5]]), 5),
}, 2e-6);

const softmaxWithGradient = (x: Matrix) => [
  softmax(x),
  tf.grad((x: tf.Tensor) => softmax(x))(x, randomTensor<tf.Rank.R2>(x.shape, "dy")),
];

testWasmKernels("softmax", {
  ...bySize(softmaxWithGradient),
  "large": () => softmaxWithGradient(tf.mul(randomTensor<tf.Rank.R2>([9, 11], "x"), 20)),
  "what is no number": () =>
    softmaxWithGradient(tf.tensor2d([[1, 2, 3, 4, NaN], [-Infinity, 2, 3, 4, 5]])),
}, 3e-6);
