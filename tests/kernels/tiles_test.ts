// Products and convolutions against their plain twins, at sizes around the tiles of 8 and
// 16 and the blocks of 4 and 256 terms; rows that start at multiples of 4 and elsewhere.
import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { conv2d, conv2dInputGradient } from "../../src/kernels/conv2d/mod.ts";
import { conv2dFilterGradient } from "../../src/kernels/conv2d_filter/mod.ts";
import { type ConvOptions, convSizes } from "../../src/kernels/conv_sizes.ts";
import { depthwise, depthwiseInputGradient } from "../../src/kernels/depthwise/mod.ts";
import { depthwiseFilter } from "../../src/kernels/depthwise_filter/mod.ts";
import { matMul } from "../../src/kernels/matmul/mod.ts";
import { matMulShares } from "../../src/kernels/matmul/shares.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

// Of sums of a few hundred float32 products; the twins sum in float64.
const TOLERANCE = 2e-6;

type Numbers = Float32Array | Int32Array;

async function assertTwin(
  backend: "wasm" | "webgpu",
  what: string,
  run: () => tf.Tensor,
): Promise<void> {
  const numbers = async (): Promise<Numbers> => await readBack(run());
  const found = await numbers();
  assert.deepEqual(await numbers(), found, `${what}: equal inputs give equal bits`);
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
    const of = `${transposeA ? "aᵀ" : "a"} · ${transposeB ? "bᵀ" : "b"}`;
    onEachBackend(`the tiles of ${of} agree with their twin`, async (backend) => {
      for (const [M, N, K] of PRODUCTS) {
        await assertTwin(backend, `${M}×${N} of ${K}`, () => {
          const a = randomTensor<tf.Rank.R3>([2, ...order(transposeA, M, K)], "a");
          const b = randomTensor<tf.Rank.R3>([2, ...order(transposeB, K, N)], "b");
          return matMul(a, b, { transposeA, transposeB });
        });
      }
    });
  }
}

function order(turned: boolean, first: number, second: number): [number, number] {
  return turned ? [second, first] : [first, second];
}

onEachBackend("bias, GELU and residual follow a product", async (backend) => {
  for (const [M, N] of [[5, 6], [9, 12], [70, 40]] as const) {
    await assertTwin(backend, `${M}×${N}`, () => {
      const a = randomTensor<tf.Rank.R3>([2, M, 300], "a");
      const b = randomTensor<tf.Rank.R2>([300, N], "b");
      const bias = randomTensor<tf.Rank.R1>([N], "bias");
      const residual = randomTensor<tf.Rank.R3>([2, M, N], "residual");
      return matMul(a, b, { bias, gelu: true, residual });
    });
  }
});

onEachBackend("shares of rows add up to the whole product", async (backend) => {
  for (
    const [R, I, O] of [[1, 1, 1], [511, 3, 5], [2050, 8, 12], [1029, 33, 8]] as const
  ) {
    await assertTwin(backend, `${R} rows`, () => {
      const a = randomTensor<tf.Rank.R2>([R, I], "a");
      return matMulShares(a, randomTensor<tf.Rank.R2>([R, O], "b"));
    });
  }
});

interface Convolution extends ConvOptions {
  readonly map: [number, number, number, number];
  readonly kernel: [number, number];
  readonly outputs: number;
}

const CONVOLUTIONS: readonly Convolution[] = [
  { map: [1, 1, 1, 1], kernel: [1, 1], outputs: 1 },
  { map: [2, 7, 9, 3], kernel: [3, 3], outputs: 5, padding: 1 },
  { map: [2, 8, 8, 8], kernel: [3, 3], outputs: 16, padding: 1 },
  { map: [1, 17, 15, 4], kernel: [3, 3], outputs: 12, padding: 6, dilation: 6 },
  { map: [2, 9, 11, 4], kernel: [3, 3], outputs: 8, padding: 1, stride: 2 },
  { map: [1, 13, 12, 5], kernel: [3, 2], outputs: 4, padding: 3, stride: 3, dilation: 2 },
  { map: [1, 21, 23, 3], kernel: [7, 7], outputs: 8, padding: 3, stride: 4 },
  { map: [2, 8, 12, 4], kernel: [4, 4], outputs: 8, stride: 4 },
  { map: [1, 6, 6, 8], kernel: [1, 1], outputs: 4, stride: 2 },
  { map: [1, 5, 5, 4], kernel: [1, 1], outputs: 4, padding: 2 },
  { map: [1, 4, 5, 300], kernel: [3, 3], outputs: 36, padding: 1 },
  { map: [3, 20, 20, 20], kernel: [3, 3], outputs: 20, padding: 1 },
];

function name({ map, kernel, outputs, ...options }: Convolution): string {
  return `[${map}] by [${kernel}] to ${outputs} ${JSON.stringify(options)}`;
}

function given({ map, kernel, outputs, ...options }: Convolution) {
  const sizes = convSizes(map, kernel, options);
  const { batch, outHeight, outWidth } = sizes;
  return {
    sizes,
    x: randomTensor<tf.Rank.R4>(map, "x"),
    filter: randomTensor<tf.Rank.R4>([...kernel, map[3], outputs], "filter"),
    dy: randomTensor<tf.Rank.R4>([batch, outHeight, outWidth, outputs], "dy"),
    bias: randomTensor<tf.Rank.R1>([outputs], "bias"),
  };
}

onEachBackend("the tiles of a convolution agree with their twin", async (backend) => {
  for (const one of CONVOLUTIONS) {
    await assertTwin(backend, name(one), () => {
      const { x, filter, sizes, bias } = given(one);
      return conv2d(x, filter, sizes, { bias, gelu: true });
    });
  }
});

onEachBackend("the tiles of an input gradient agree with their twin", async (backend) => {
  for (const one of CONVOLUTIONS) {
    await assertTwin(backend, name(one), () => {
      const { dy, filter, sizes } = given(one);
      return conv2dInputGradient(dy, filter, sizes);
    });
  }
});

onEachBackend("the tiles of a filter gradient agree with their twin", async (backend) => {
  for (const one of CONVOLUTIONS) {
    await assertTwin(backend, name(one), () => {
      const { x, dy, sizes } = given(one);
      return conv2dFilterGradient(x, dy, sizes);
    });
  }
});

const DEPTHWISE: readonly Convolution[] = [
  { map: [1, 1, 1, 1], kernel: [1, 1], outputs: 1 },
  { map: [2, 5, 3, 3], kernel: [3, 3], outputs: 1, padding: 1 },
  { map: [2, 9, 4, 4], kernel: [3, 3], outputs: 1, padding: 1 },
  { map: [1, 16, 5, 8], kernel: [3, 3], outputs: 1, padding: 4, dilation: 4 },
  { map: [1, 7, 40, 12], kernel: [5, 4], outputs: 1, padding: 4, dilation: 3 },
  { map: [1, 40, 33, 64], kernel: [3, 3], outputs: 1, padding: 18, dilation: 18 },
];

for (const part of ["convolution", "input gradient", "filter gradient"] as const) {
  onEachBackend(`a depthwise ${part} agrees with its twin`, async (backend) => {
    for (const one of DEPTHWISE) {
      await assertTwin(backend, name(one), () => {
        const { x, filter, sizes } = given(one);
        const { batch, outHeight, outWidth, channels: C } = sizes;
        const dy = randomTensor<tf.Rank.R4>([batch, outHeight, outWidth, C], "dy");
        const bias = randomTensor<tf.Rank.R1>([C], "bias");
        if (part === "input gradient") return depthwiseInputGradient(dy, filter, sizes);
        if (part === "filter gradient") return depthwiseFilter(x, dy, sizes);
        return depthwise(x, filter, sizes, { bias, gelu: true });
      });
    }
  });
}

Deno.test("matMul() names shapes that do not fit", () => {
  assert.throws(() => matMul(tf.zeros([2, 3, 4]), tf.zeros([2, 5, 6])), {
    name: "RangeError",
    message: "Cannot multiply matrices of [2,3,4] and [2,5,6]: their shapes must fit",
  });
});
