import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { nativeEngine } from "../../src/native/engine.ts";
import { conv2d, type ConvOptions } from "../../src/ops/conv2d/conv2d.ts";
import { depthwiseConv2d } from "../../src/ops/depthwise_conv2d/depthwise_conv2d.ts";
import { lerp } from "../../src/ops/in_place/in_place.ts";
import {
  assertAccurate,
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

const CASES: readonly (ConvOptions & { kernelSize: number })[] = [
  { kernelSize: 1 },
  { kernelSize: 3, padding: 1 },
  { kernelSize: 3, padding: 2, dilation: 2 },
  { kernelSize: 3, padding: 6, dilation: 6 },
  { kernelSize: 3, padding: 1, stride: 2 },
  { kernelSize: 7, padding: 3, stride: 4 },
  { kernelSize: 2, stride: 2 },
  { kernelSize: 3, stride: 3 },
  { kernelSize: 3, padding: 2, stride: 2, dilation: 2 },
  { kernelSize: 1, padding: 2 },
  { kernelSize: 1, stride: 2 },
  { kernelSize: 3, stride: 2, padding: "same" },
  { kernelSize: 4, padding: "same", dilation: 2 },
];

for (const { kernelSize, ...options } of CASES) {
  const name = JSON.stringify({ kernelSize, ...options });
  onEachBackend(`conv2d() matches finite-difference gradients: ${name}`, async () => {
    const x = randomTensor<tf.Rank.R4>([2, 9, 12, 3], "x");
    const filter = randomTensor<tf.Rank.R4>([kernelSize, kernelSize, 3, 4], "filter");
    await assertGradients(
      (x, filter) => conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, options),
      [x, filter],
    );
  });
}

for (const dilation of [1, 2, 6]) {
  onEachBackend(
    `depthwiseConv2d() matches finite-difference gradients: dilation ${dilation}`,
    async () => {
      const x = randomTensor<tf.Rank.R4>([2, 9, 7, 5], "x");
      const filter = randomTensor<tf.Rank.R4>([3, 3, 5, 1], "filter");
      const options = { dilation, padding: dilation };
      await assertGradients(
        (x, filter) => depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, options),
        [x, filter],
      );
    },
  );
}

for (const [kernelSize, stride] of [[3, 2], [5, 2], [2, 3], [3, 4]] as const) {
  onEachBackend(
    `depthwiseConv2d() matches finite-difference gradients: ${kernelSize}×${kernelSize}, ` +
      `stride ${stride}`,
    async () => {
      const filter = randomTensor<tf.Rank.R4>([kernelSize, kernelSize, 6, 1], "filter");
      for (const options of [{ padding: "same" }, { padding: 1 }] as const) {
        await assertGradients(
          (x, filter) =>
            depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, {
              ...options,
              stride,
            }),
          [randomTensor<tf.Rank.R4>([2, 9, 8, 6], "x"), filter],
        );
      }
    },
  );
}

// Height and width of a map, side of the filter, stride, and the zeros that TensorFlow
// documents: on top, below, on the left and on the right.
const SAME_PADDINGS = [
  [8, 8, 3, 2, [0, 1, 0, 1]],
  [9, 8, 3, 2, [1, 1, 0, 1]],
  [8, 7, 5, 2, [1, 2, 2, 2]],
  [6, 5, 3, 1, [1, 1, 1, 1]],
  [7, 4, 2, 3, [0, 1, 0, 1]],
  [8, 6, 1, 2, [0, 0, 0, 0]],
] as const;

for (const [H, W, K, stride, [top, bottom, left, right]] of SAME_PADDINGS) {
  onEachBackend(
    `conv2d() and depthwiseConv2d() pad as TensorFlow: ${H}×${W}, ${K}×${K}, stride ` +
      `${stride}`,
    async () => {
      const x = randomTensor<tf.Rank.R4>([2, H, W, 3], "x");
      const padded = tf.pad(x, [[0, 0], [top, bottom], [left, right], [0, 0]]);
      const filter = randomTensor<tf.Rank.R4>([K, K, 3, 3], "filter");
      const depthwise = randomTensor<tf.Rank.R4>([K, K, 3, 1], "filter");
      for (
        const [convolve, weights] of [
          [conv2d, filter],
          [depthwiseConv2d, depthwise],
        ] as const
      ) {
        const y = convolve(x, weights, { stride, padding: "same" });
        assert.deepEqual(y.shape, [2, Math.ceil(H / stride), Math.ceil(W / stride), 3]);
        await assertClose(y, convolve(padded, weights, { stride }), 1e-6);
      }
    },
  );
}

onEachBackend(
  "conv2d() and depthwiseConv2d() add a bias that has a gradient",
  async () => {
    const x = randomTensor<tf.Rank.R4>([2, 6, 5, 4], "x");
    const filter = randomTensor<tf.Rank.R4>([3, 3, 4, 4], "filter");
    const depthwise = randomTensor<tf.Rank.R4>([3, 3, 4, 1], "filter");
    const bias = randomTensor<tf.Rank.R1>([4], "bias");
    for (
      const [convolve, weights] of [
        [conv2d, filter],
        [depthwiseConv2d, depthwise],
      ] as const
    ) {
      await assertGradients(
        (x, weights, bias) =>
          convolve(x as tf.Tensor4D, weights as tf.Tensor4D, { padding: 1, bias }),
        [x, weights, bias],
      );
    }
  },
);

onEachBackend("conv2d() sums its filter gradient accurately", async () => {
  // One plain float32 sum over these pixels is off by 6e-7.
  const [S, C, O] = [48, 4, 4];
  const x = randomTensor<tf.Rank.R4>([1, S, S, C], "x");
  const dy = randomTensor<tf.Rank.R4>([1, S, S, O], "dy");
  const filter = randomTensor<tf.Rank.R4>([3, 3, C, O], "filter");
  const gradient = tf.grad((filter) =>
    conv2d(x, filter as tf.Tensor4D, { padding: 2, dilation: 2 })
  )(filter, dy);
  const [xs, dys] = [await x.data(), await dy.data()];
  const exact = new Float64Array(9 * C * O);
  for (let pixel = 0; pixel < S * S; pixel++) {
    for (let tap = 0; tap < 9; tap++) {
      const row = Math.floor(pixel / S) + 2 * Math.floor(tap / 3) - 2;
      const column = pixel % S + 2 * (tap % 3) - 2;
      if (row < 0 || row >= S || column < 0 || column >= S) continue;
      for (let c = 0; c < C; c++) {
        for (let o = 0; o < O; o++) {
          const at = (tap * C + c) * O + o;
          exact[at] = (exact[at] ?? 0) +
            (xs[(row * S + column) * C + c] ?? NaN) * (dys[pixel * O + o] ?? NaN);
        }
      }
    }
  }
  const { getBackend } = tf;
  await assertAccurate(gradient, exact, getBackend() === "webgpu" ? 3.5e-7 : 2e-6);
});

onEachBackend("depthwiseConv2d() sums its filter gradient accurately", async () => {
  // Maps narrower than 32 pixels once got one plain sum over all pixels: off by 5e-7, and
  // those of oneDNN are not much better.
  const [B, S, C] = [2, 24, 6];
  const x = randomTensor<tf.Rank.R4>([B, S, S, C], "x");
  const dy = randomTensor<tf.Rank.R4>([B, S, S, C], "dy");
  const filter = randomTensor<tf.Rank.R4>([3, 3, C, 1], "filter");
  const gradient = tf.grad((filter) =>
    depthwiseConv2d(x, filter as tf.Tensor4D, { padding: 1 })
  )(filter, dy);
  const [xs, dys] = [await x.data(), await dy.data()];
  const exact = new Float64Array(9 * C);
  for (let i = 0; i < dys.length; i++) {
    const [c, col, row] = [i % C, Math.floor(i / C) % S, Math.floor(i / (C * S)) % S];
    for (let tap = 0; tap < 9; tap++) {
      const [dRow, dCol] = [Math.floor(tap / 3) - 1, tap % 3 - 1];
      if (row + dRow < 0 || row + dRow >= S || col + dCol < 0 || col + dCol >= S) {
        continue;
      }
      const at = tap * C + c;
      exact[at] = (exact[at] ?? 0) +
        (dys[i] ?? NaN) * (xs[i + (dRow * S + dCol) * C] ?? NaN);
    }
  }
  await assertAccurate(gradient, exact, nativeEngine() === null ? 2e-7 : 1e-6);
});

onEachBackend("conv2d() uses a filter that was changed in place", async () => {
  const x = randomTensor<tf.Rank.R4>([1, 6, 6, 2], "x");
  const filter = randomTensor<tf.Rank.R4>([3, 3, 2, 2], "filter");
  const other = randomTensor<tf.Rank.R4>([3, 3, 2, 2], "other");
  conv2d(x, filter, { padding: 1 }); // a backend may keep a packed copy of the filter
  lerp(filter, other, 0);
  await assertClose(
    conv2d(x, filter, { padding: 1 }),
    conv2d(x, other, { padding: 1 }),
    0,
  );
});

onEachBackend("conv2d() leaks no tensors", () => {
  const x = randomTensor<tf.Rank.R4>([1, 6, 6, 2], "x");
  const filter = randomTensor<tf.Rank.R4>([3, 3, 2, 2], "filter");
  assert.equal(tensorsKeptBy(() => conv2d(x, filter, { padding: 1 })), 1);
  assert.equal(
    tensorsKeptBy(() =>
      tf.tidy(() => tf.grad((x) => conv2d(x as tf.Tensor4D, filter))(x))
    ),
    1,
  );
});

Deno.test("depthwiseConv2d() rejects a stride with a dilation", () => {
  const x = tf.zeros<tf.Rank.R4>([1, 8, 8, 1]);
  const filter = tf.zeros<tf.Rank.R4>([3, 3, 1, 1]);
  assert.throws(() => depthwiseConv2d(x, filter, { stride: 2, dilation: 3 }), {
    name: "RangeError",
    message:
      "Cannot convolve depthwise with stride 2 and dilation 3: one of them must be 1",
  });
});

Deno.test("conv2d() rejects a filter larger than the map", () => {
  const x = tf.zeros<tf.Rank.R4>([1, 2, 2, 1]);
  const filter = tf.zeros<tf.Rank.R4>([5, 5, 1, 1]);
  assert.throws(() => conv2d(x, filter), {
    name: "RangeError",
    message:
      "Cannot convolve maps of 2×2: a 5×5 filter with dilation 1 and padding 0 is " +
      "larger; use larger images",
  });
});
