import * as tf from "../../src/core/tf.ts";
import { adaptiveAveragePool, averagePool } from "../../src/ops/pool/average_pool.ts";
import { maxPool } from "../../src/ops/pool/max_pool.ts";
import { randomTensor, testWasmKernels } from "../support/mod.ts";

const SHAPES = [[1, 3, 3, 1], [2, 7, 9, 5], [1, 8, 6, 4], [2, 5, 4, 18]] as const;

type Pool = (x: tf.Tensor4D) => tf.Tensor;

function withGradient(pool: Pool, x: tf.Tensor4D): tf.Tensor[] {
  const y = pool(x);
  const dy = randomTensor(y.shape as tf.ShapeMap[tf.Rank], "dy");
  return [y, tf.grad((x: tf.Tensor) => pool(x as tf.Tensor4D))(x, dy)];
}

function byShape(pool: Pool) {
  return Object.fromEntries(SHAPES.map((shape) => [
    `[${shape}]`,
    () => withGradient(pool, randomTensor<tf.Rank.R4>([...shape], "x")),
  ]));
}

testWasmKernels(
  "maxPool of 2",
  byShape((x) => maxPool(x, { window: 2, ceil: true })),
  3e-7,
);

const MAX_OF_3 = { window: 3, stride: 2, padding: 1 };

testWasmKernels("maxPool of 3", {
  ...byShape((x) => maxPool(x, MAX_OF_3)),
  "equal numbers": () =>
    withGradient((x) => maxPool(x, MAX_OF_3), tf.fill([1, 5, 5, 3], -1)),
  "what is no number": () => [
    maxPool(tf.tensor4d([NaN, 1, 2, 3, NaN, 4], [1, 2, 3, 1]), MAX_OF_3),
  ],
}, 3e-7);

testWasmKernels("averagePool", {
  ...byShape((x) => averagePool(x, { window: 2 })),
  ...Object.fromEntries(
    Object.entries(byShape((x) => averagePool(x, { window: 3, stride: 2 })))
      .map(([name, compute]) => [`${name}, overlapping`, compute]),
  ),
}, 1e-6);

testWasmKernels(
  "adaptiveAveragePool",
  byShape((x) => adaptiveAveragePool(x, [3, 2])),
  1e-6,
);
