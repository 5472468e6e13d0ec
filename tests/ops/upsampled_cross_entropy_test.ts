import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import { IGNORED } from "../../src/core/host_batch.ts";
import * as tf from "../../src/core/tf.ts";
import { softmaxCrossEntropy } from "../../src/ops/cross_entropy.ts";
import { resizeBilinear } from "../../src/ops/resize_bilinear.ts";
import { upsampledCrossEntropy } from "../../src/ops/upsampled_cross_entropy.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

// Sums of a few hundred float32 numbers in another order.
const TOLERANCE = 3e-6;
const CLASSES = 5;

// Enlarging by whole and by odd factors, to one side only, not at all, from and to one
// pixel, and shrinking.
const SIZES: readonly (readonly [from: [number, number], to: [number, number]])[] = [
  [[3, 4], [12, 16]],
  [[3, 2], [7, 13]],
  [[4, 4], [4, 9]],
  [[5, 3], [5, 3]],
  [[1, 1], [6, 5]],
  [[1, 3], [9, 1]],
  [[9, 7], [4, 2]],
];

function example([h, w]: [number, number], [H, W]: [number, number]) {
  const count = 2 * H * W;
  const ids = Int32Array.from(
    { length: count },
    (_, i) => i % 7 === 6 ? IGNORED : i * i % CLASSES,
  );
  const shares = Float32Array.from({ length: count }, (_, i) => i % 4 / 2);
  return {
    logits: tf.mul(randomTensor<tf.Rank.R4>([2, h, w, CLASSES]), 3) as tf.Tensor4D,
    labels: tf.tensor3d(ids, [2, H, W], "int32"),
    weights: tf.tensor3d(shares, [2, H, W]),
  };
}

// The definition, in full resolution.
function stepByStep(
  logits: tf.Tensor4D,
  labels: tf.Tensor,
  weights: tf.Tensor | null,
  alignCorners: boolean,
): tf.Scalar {
  const [, H = 0, W = 0] = labels.shape;
  const large = resizeBilinear(logits, [H, W], { alignCorners });
  const losses = softmaxCrossEntropy(large, labels);
  return tf.sum(weights === null ? losses : tf.mul(losses, weights));
}

for (const alignCorners of [false, true]) {
  const how = alignCorners ? "with aligned corners" : "with half-pixel centres";
  onEachBackend(`upsampledCrossEntropy() is what its steps give, ${how}`, async () => {
    for (const [from, to] of SIZES) {
      const { logits, labels, weights } = example(from, to);
      for (const w of [weights, null]) {
        const both = (f: (z: tf.Tensor4D) => tf.Scalar) => tf.valueAndGrad(f)(logits);
        const fused = both((z) => upsampledCrossEntropy(z, labels, w, { alignCorners }));
        const steps = both((z) => stepByStep(z, labels, w, alignCorners));
        const what = `${from} to ${to}`;
        await assertClose(fused.value, steps.value, TOLERANCE, `${what}: sum`);
        await assertClose(fused.grad, steps.grad, TOLERANCE, `${what}: gradient`);
      }
    }
  });
}

onEachBackend(
  "upsampledCrossEntropy() has the gradient of finite differences",
  async () => {
    const { logits, labels, weights } = example([3, 4], [7, 9]);
    await assertGradients(
      (z) => upsampledCrossEntropy(z as tf.Tensor, labels, weights),
      [logits],
    );
  },
);

onEachBackend("upsampledCrossEntropy() gives equal bits for equal inputs", async () => {
  const { logits, labels, weights } = example([13, 11], [52, 44]);
  const gradient = () =>
    tf.grad((z) => upsampledCrossEntropy(z, labels, weights))(logits);
  assert.deepEqual(await readBack(gradient()), await readBack(gradient()));
  const sum = () => upsampledCrossEntropy(logits, labels, weights);
  assert.deepEqual(await readBack(sum()), await readBack(sum()));
});

onEachBackend("upsampledCrossEntropy() agrees with its twin", async (backend) => {
  const run = async () => {
    const { logits, labels, weights } = example([9, 10], [33, 37]);
    const f = (z: tf.Tensor) => upsampledCrossEntropy(z, labels, weights);
    const { value, grad } = tf.valueAndGrad(f)(logits);
    return [await readBack(value), await readBack(grad)];
  };
  const found = await run();
  await openBackend("wasm");
  const expected = await run();
  await openBackend(backend);
  for (const [i, values] of found.entries()) {
    await assertClose(values, expected[i] ?? [], TOLERANCE);
  }
});

onEachBackend("upsampledCrossEntropy() is finite for extreme logits", async () => {
  const logits = tf.tensor4d([[[[1e4, -1e4, 0]]]]);
  const labels = tf.tensor3d([[[1, 1], [1, 1]]], undefined, "int32");
  const sum = upsampledCrossEntropy(logits, labels, null);
  assert.deepEqual([...await readBack(sum)], [8e4]);
});

onEachBackend(
  "upsampledCrossEntropy() is not finite for logits that are not",
  async () => {
    const logits = tf.tensor4d([[[[1, NaN, 0]]]]);
    const labels = tf.tensor3d([[[0]]], undefined, "int32");
    const [sum] = await readBack(upsampledCrossEntropy(logits, labels, null));
    assert.ok(Number.isNaN(sum));
  },
);

onEachBackend("upsampledCrossEntropy() keeps nothing but its result", () => {
  const { logits, labels, weights } = example([3, 4], [12, 16]);
  assert.equal(tensorsKeptBy(() => upsampledCrossEntropy(logits, labels, weights)), 1);
  const gradient = tf.grad((z) => upsampledCrossEntropy(z, labels, weights));
  assert.equal(tensorsKeptBy(() => gradient(logits)), 1);
});

onEachBackend("upsampledCrossEntropy() throws where sizes do not fit", () => {
  const { logits, labels, weights } = example([3, 4], [12, 16]);
  const few = tf.slice(labels, 0, 1);
  assert.throws(() => upsampledCrossEntropy(logits, few, null), {
    name: "RangeError",
    message: "Cannot judge logits [2,3,4,5] by labels [1,12,16]: " +
      '"logits" must be [B, h, w, C] and "labels" [B, H, W]',
  });
  assert.throws(() => upsampledCrossEntropy(logits, labels, tf.slice(weights, 0, 1)), {
    name: "RangeError",
    message: 'Cannot weigh 384 pixels with 192 weights: "weights" must be [2,12,16]',
  });
});
