// Products and convolutions against their CPU references, at sizes around the tiles of 8 and
// 16 and the blocks of 4 and 256 terms; rows that start at multiples of 4 and elsewhere.
import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { type ConvOptions, convSizes } from "../../src/ops/conv2d/conv_sizes.ts";
import {
  conv2dFilterGradient,
  conv2dInputGradient,
  fusedConv2d,
} from "../../src/ops/conv2d/implicit_gemm.ts";
import {
  depthwiseConv2dFilterGradient,
  depthwiseConv2dInputGradient,
  fusedDepthwiseConv2d,
} from "../../src/ops/depthwise_conv2d/fused_depthwise_conv2d.ts";
import { fusedMatMul, splitKMatMul } from "../../src/ops/mat_mul/fused_mat_mul.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

// Of sums of a few hundred float32 products; the references sum in float64.
const TOLERANCE = 2e-6;

type Numbers = Float32Array | Int32Array;

async function assertMatchesReference(
  backend: "wasm" | "webgpu",
  what: string,
  run: () => tf.Tensor,
): Promise<void> {
  const numbers = async (): Promise<Numbers> => await readBack(run());
  const found = await numbers();
  assert.deepEqual(await numbers(), found, `${what}: is deterministic`);
  await openBackend("wasm");
  const expected = await numbers();
  await openBackend(backend);
  await assertClose(found, expected, TOLERANCE, what);
}

const PRODUCTS: readonly (readonly [rows: number, columns: number, depth: number])[] = [
  [1, 1, 1],
  [7, 8, 3],
  [8, 4, 4],
  [9, 7, 5],
  [15, 17, 255],
  [16, 16, 256],
  [17, 36, 257],
  [64, 64, 12],
  [65, 20, 516],
  [130, 68, 8],
];

for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    const product = `${transposeA ? "aᵀ" : "a"} · ${transposeB ? "bᵀ" : "b"}`;
    onEachBackend(
      `fusedMatMul() matches its CPU reference: ${product}`,
      async (backend) => {
        for (const [M, N, K] of PRODUCTS) {
          await assertMatchesReference(backend, `${M}×${N} of ${K}`, () => {
            const a = randomTensor<tf.Rank.R3>([2, ...order(transposeA, M, K)], "a");
            const b = randomTensor<tf.Rank.R3>([2, ...order(transposeB, K, N)], "b");
            return fusedMatMul(a, b, { transposeA, transposeB });
          });
        }
      },
    );
  }
}

function order(isTransposed: boolean, first: number, second: number): [number, number] {
  return isTransposed ? [second, first] : [first, second];
}

onEachBackend(
  "fusedMatMul() with bias, GELU and residual matches its CPU reference",
  async (backend) => {
    for (const [M, N] of [[5, 6], [9, 12], [70, 40]] as const) {
      await assertMatchesReference(backend, `${M}×${N}`, () => {
        const a = randomTensor<tf.Rank.R3>([2, M, 300], "a");
        const b = randomTensor<tf.Rank.R2>([300, N], "b");
        const bias = randomTensor<tf.Rank.R1>([N], "bias");
        const residual = randomTensor<tf.Rank.R3>([2, M, N], "residual");
        return fusedMatMul(a, b, { bias, gelu: true, residual });
      });
    }
  },
);

onEachBackend("splitKMatMul() matches its CPU reference", async (backend) => {
  for (
    const [R, I, O] of [[1, 1, 1], [511, 3, 5], [2050, 8, 12], [1029, 33, 8]] as const
  ) {
    await assertMatchesReference(backend, `${R} rows`, () => {
      const a = randomTensor<tf.Rank.R2>([R, I], "a");
      return splitKMatMul(a, randomTensor<tf.Rank.R2>([R, O], "b"));
    });
  }
});

interface Convolution extends ConvOptions {
  readonly inputShape: [number, number, number, number];
  readonly kernel: [number, number];
  readonly outChannels: number;
}

const CONVOLUTIONS: readonly Convolution[] = [
  { inputShape: [1, 1, 1, 1], kernel: [1, 1], outChannels: 1 },
  { inputShape: [2, 7, 9, 3], kernel: [3, 3], outChannels: 5, padding: 1 },
  { inputShape: [2, 8, 8, 8], kernel: [3, 3], outChannels: 16, padding: 1 },
  {
    inputShape: [1, 17, 15, 4],
    kernel: [3, 3],
    outChannels: 12,
    padding: 6,
    dilation: 6,
  },
  { inputShape: [2, 9, 11, 4], kernel: [3, 3], outChannels: 8, padding: 1, stride: 2 },
  {
    inputShape: [1, 13, 12, 5],
    kernel: [3, 2],
    outChannels: 4,
    padding: 3,
    stride: 3,
    dilation: 2,
  },
  { inputShape: [1, 21, 23, 3], kernel: [7, 7], outChannels: 8, padding: 3, stride: 4 },
  { inputShape: [2, 8, 12, 4], kernel: [4, 4], outChannels: 8, stride: 4 },
  { inputShape: [1, 6, 6, 8], kernel: [1, 1], outChannels: 4, stride: 2 },
  { inputShape: [1, 5, 5, 4], kernel: [1, 1], outChannels: 4, padding: 2 },
  { inputShape: [1, 4, 5, 300], kernel: [3, 3], outChannels: 36, padding: 1 },
  { inputShape: [3, 20, 20, 20], kernel: [3, 3], outChannels: 20, padding: 1 },
];

function name({ inputShape, kernel, outChannels, ...options }: Convolution): string {
  return `[${inputShape}] by [${kernel}] to ${outChannels} ${JSON.stringify(options)}`;
}

function tensorsOf({ inputShape, kernel, outChannels, ...options }: Convolution) {
  const sizes = convSizes(inputShape, kernel, options);
  const { batch, outHeight, outWidth } = sizes;
  return {
    sizes,
    x: randomTensor<tf.Rank.R4>(inputShape, "x"),
    filter: randomTensor<tf.Rank.R4>([...kernel, inputShape[3], outChannels], "filter"),
    dy: randomTensor<tf.Rank.R4>([batch, outHeight, outWidth, outChannels], "dy"),
    bias: randomTensor<tf.Rank.R1>([outChannels], "bias"),
  };
}

onEachBackend("fusedConv2d() matches its CPU reference", async (backend) => {
  for (const convolution of CONVOLUTIONS) {
    await assertMatchesReference(backend, name(convolution), () => {
      const { x, filter, sizes, bias } = tensorsOf(convolution);
      return fusedConv2d(x, filter, sizes, { bias, gelu: true });
    });
  }
});

onEachBackend("conv2dInputGradient() matches its CPU reference", async (backend) => {
  for (const convolution of CONVOLUTIONS) {
    await assertMatchesReference(backend, name(convolution), () => {
      const { dy, filter, sizes } = tensorsOf(convolution);
      return conv2dInputGradient(dy, filter, sizes);
    });
  }
});

onEachBackend("conv2dFilterGradient() matches its CPU reference", async (backend) => {
  for (const convolution of CONVOLUTIONS) {
    await assertMatchesReference(backend, name(convolution), () => {
      const { x, dy, sizes } = tensorsOf(convolution);
      return conv2dFilterGradient(x, dy, sizes);
    });
  }
});

// [B, H, W, C], the filter's height and width, padding and dilation.
const DEPTHWISE = ([
  [[1, 1, 1, 1], [1, 1], 0, 1],
  [[2, 5, 3, 3], [3, 3], 1, 1],
  [[2, 9, 4, 4], [3, 3], 1, 1],
  [[1, 16, 5, 8], [3, 3], 4, 4],
  [[1, 7, 40, 12], [5, 4], 4, 3],
  [[1, 40, 33, 64], [3, 3], 18, 18],
] as const).map(([inputShape, kernel, padding, dilation]): Convolution => ({
  ...{ inputShape: [...inputShape], kernel: [...kernel], padding, dilation },
  outChannels: 1,
}));

for (const pass of ["forward", "input gradient", "filter gradient"] as const) {
  onEachBackend(
    `fusedDepthwiseConv2d() ${pass} matches its CPU reference`,
    async (backend) => {
      for (const convolution of DEPTHWISE) {
        await assertMatchesReference(backend, name(convolution), () => {
          const { x, filter, sizes } = tensorsOf(convolution);
          const { batch, outHeight, outWidth, channels: C } = sizes;
          const dy = randomTensor<tf.Rank.R4>([batch, outHeight, outWidth, C], "dy");
          const bias = randomTensor<tf.Rank.R1>([C], "bias");
          if (pass === "input gradient") {
            return depthwiseConv2dInputGradient(dy, filter, sizes);
          }
          if (pass === "filter gradient") {
            return depthwiseConv2dFilterGradient(x, dy, sizes);
          }
          return fusedDepthwiseConv2d(x, filter, sizes, { bias, gelu: true });
        });
      }
    },
  );
}

Deno.test("fusedMatMul() rejects shapes that do not fit", () => {
  assert.throws(() => fusedMatMul(tf.zeros([2, 3, 4]), tf.zeros([2, 5, 6])), {
    name: "RangeError",
    message: "Cannot multiply matrices of [2,3,4] and [2,5,6]: their shapes must fit",
  });
});
