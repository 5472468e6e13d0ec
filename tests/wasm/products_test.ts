import * as tf from "../../src/core/tf.ts";
import { conv2d, type ConvOptions } from "../../src/ops/conv2d/conv2d.ts";
import { linear } from "../../src/ops/linear.ts";
import { matMul } from "../../src/ops/mat_mul/mat_mul.ts";
import { sumOfOuterProducts } from "../../src/ops/outer_products.ts";
import { type Computation, randomTensor, testWasmKernels } from "../support/mod.ts";

// Of sums of a few hundred float32 products; Winograd's transforms lose a digit.
const TOLERANCE = 2e-6;

const withGradients = (
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
): readonly tf.Tensor[] => {
  const y = f(...inputs);
  const dy = randomTensor(y.shape as tf.ShapeMap[tf.Rank], "dy");
  const all = [y, ...tf.grads(f)([...inputs], dy)];
  tf.dispose([dy, ...inputs]);
  return all;
};

/** Batch, rows, columns and terms. */
const PRODUCTS = [
  [1, 1, 1, 1],
  [1, 5, 7, 3],
  [3, 13, 9, 5],
  [2, 97, 16, 257],
  [1, 130, 20, 520],
] as const;

const products: Record<string, Computation> = {};
for (const [B, M, N, K] of PRODUCTS) {
  products[`${B} × [${M}, ${K}] · [${K}, ${N}]`] = () =>
    withGradients((a, b) => matMul(a as tf.Tensor, b as tf.Tensor), [
      randomTensor<tf.Rank.R3>([B, M, K], "a"),
      randomTensor<tf.Rank.R3>([B, K, N], "b"),
    ]);
  products[`${B} × [${M}, ${K}] · [${N}, ${K}]ᵀ`] = () =>
    withGradients(
      (a, b) => matMul(a as tf.Tensor, b as tf.Tensor, { transposeB: true }),
      [
        randomTensor<tf.Rank.R3>([B, M, K], "a"),
        randomTensor<tf.Rank.R3>([B, N, K], "b"),
      ],
    );
  products[`linear [${B * M}, ${K}] to ${N}`] = () =>
    withGradients((x, w, bias) => linear(x as tf.Tensor, w as tf.Tensor, bias), [
      randomTensor<tf.Rank.R2>([B * M, K], "x"),
      randomTensor<tf.Rank.R2>([K, N], "w"),
      randomTensor<tf.Rank.R1>([N], "bias"),
    ]);
  products[`[${K}, ${M}]ᵀ · [${K}, ${N}]`] = () => {
    const a = randomTensor<tf.Rank.R2>([K, M], "a");
    const b = randomTensor<tf.Rank.R2>([K, N], "b");
    const product = sumOfOuterProducts(a, b);
    tf.dispose([a, b]);
    return product;
  };
}
testWasmKernels("products of matrices", products, TOLERANCE);

interface Case extends ConvOptions {
  readonly x: [number, number, number, number];
  readonly kernel: [number, number];
  readonly outputs: number;
}

function convolutions(cases: readonly Case[]): Record<string, Computation> {
  return Object.fromEntries(cases.map(({ x, kernel, outputs, ...options }) => [
    `[${x}] by [${kernel}] to ${outputs} ${JSON.stringify(options)}`,
    () =>
      withGradients(
        (x, filter, bias) =>
          conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, { ...options, bias }),
        [
          randomTensor<tf.Rank.R4>(x, "x"),
          randomTensor<tf.Rank.R4>([...kernel, x[3], outputs], "filter"),
          randomTensor<tf.Rank.R1>([outputs], "bias"),
        ],
      ),
  ]));
}

testWasmKernels(
  "convolutions as products of gathered rows",
  convolutions([
    { x: [1, 1, 1, 1], kernel: [1, 1], outputs: 1 },
    { x: [2, 9, 11, 3], kernel: [7, 7], outputs: 5, padding: 3, stride: 2 },
    { x: [2, 9, 11, 5], kernel: [3, 3], outputs: 9, padding: 1, stride: 2 },
    { x: [1, 13, 12, 9], kernel: [3, 2], outputs: 4, padding: 3, stride: 3, dilation: 2 },
    { x: [1, 16, 16, 12], kernel: [3, 3], outputs: 10, padding: 12, dilation: 12 },
    { x: [2, 8, 12, 4], kernel: [4, 4], outputs: 8, stride: 4 },
    { x: [1, 7, 7, 8], kernel: [1, 1], outputs: 4, stride: 2 },
    { x: [1, 5, 5, 4], kernel: [1, 1], outputs: 4, padding: 2 },
    { x: [1, 4, 5, 300], kernel: [3, 3], outputs: 36, padding: 4 },
    { x: [1, 2, 2, 3], kernel: [2, 2], outputs: 2, stride: 5, padding: 4 },
  ]),
  TOLERANCE,
);

testWasmKernels(
  "convolutions by Winograd's algorithm",
  convolutions([
    { x: [2, 8, 8, 16], kernel: [3, 3], outputs: 16, padding: 1 },
    { x: [1, 9, 15, 20], kernel: [3, 3], outputs: 36, padding: 1 },
    { x: [1, 16, 20, 24], kernel: [3, 3], outputs: 20, padding: 2, dilation: 2 },
    { x: [1, 19, 16, 16], kernel: [3, 3], outputs: 28, padding: 4, dilation: 4 },
    { x: [1, 12, 14, 16], kernel: [3, 3], outputs: 16 },
    { x: [1, 12, 12, 16], kernel: [3, 3], outputs: 16, padding: 5 },
    { x: [1, 8, 8, 276], kernel: [3, 3], outputs: 268, padding: 1 },
  ]),
  TOLERANCE,
);
