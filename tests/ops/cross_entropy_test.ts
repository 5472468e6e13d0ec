import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import { IGNORE_INDEX } from "../../src/core/host_batch.ts";
import * as tf from "../../src/core/tf.ts";
import { softmaxCrossEntropy } from "../../src/ops/cross_entropy/cross_entropy.ts";
import { upsampledCrossEntropy } from "../../src/ops/cross_entropy/upsampled_cross_entropy.ts";
import { resizeBilinear } from "../../src/ops/resize/resize.ts";
import { RESIZINGS } from "./resizings.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

const fewLabels = () =>
  tf.tensor3d([[[0, 4, IGNORE_INDEX], [2, 2, 1]]], undefined, "int32");

onEachBackend(
  "softmaxCrossEntropy() matches finite-difference gradients",
  async () => {
    const logits = randomTensor<tf.Rank.R4>([1, 2, 3, 5]);
    await assertGradients((z) => softmaxCrossEntropy(z as tf.Tensor, fewLabels()), [
      logits,
    ]);
  },
);

onEachBackend("softmaxCrossEntropy() is zero where the label is ignored", async () => {
  const logits = randomTensor<tf.Rank.R4>([1, 2, 3, 5]);
  const loss = await readBack(softmaxCrossEntropy(logits, fewLabels()));
  assert.equal(loss[2], 0);
  assert.ok((loss[0] ?? 0) > 0);
});

onEachBackend("softmaxCrossEntropy() is finite for extreme logits", async () => {
  const logits = tf.tensor4d([[[[1e4, -1e4, 0]]]]);
  const label = tf.tensor3d([[[1]]], undefined, "int32");
  assert.deepEqual([...await readBack(softmaxCrossEntropy(logits, label))], [2e4]);
});

// Sums of a few hundred float32 numbers in another order.
const TOLERANCE = 3e-6;
const CLASSES = 5;

function example([h, w]: [number, number], [H, W]: [number, number]) {
  const count = 2 * H * W;
  const labelIds = Int32Array.from(
    { length: count },
    (_, i) => i % 7 === 6 ? IGNORE_INDEX : i * i % CLASSES,
  );
  const pixelWeights = Float32Array.from({ length: count }, (_, i) => i % 4 / 2);
  return {
    logits: tf.mul(randomTensor<tf.Rank.R4>([2, h, w, CLASSES]), 3) as tf.Tensor4D,
    labels: tf.tensor3d(labelIds, [2, H, W], "int32"),
    weights: tf.tensor3d(pixelWeights, [2, H, W]),
  };
}

// The definition, at full resolution.
function unfused(
  logits: tf.Tensor4D,
  labels: tf.Tensor,
  weights: tf.Tensor | null,
  alignCorners: boolean,
): tf.Scalar {
  const [, H = 0, W = 0] = labels.shape;
  const upsampled = resizeBilinear(logits, [H, W], { alignCorners });
  const losses = softmaxCrossEntropy(upsampled, labels);
  return tf.sum(weights === null ? losses : tf.mul(losses, weights));
}

for (const alignCorners of [false, true]) {
  const alignment = alignCorners ? "with aligned corners" : "with half-pixel centers";
  onEachBackend(
    `upsampledCrossEntropy() equals resize and cross entropy, ${alignment}`,
    async () => {
      for (const [from, to] of RESIZINGS) {
        const { logits, labels, weights } = example(from, to);
        for (const w of [weights, null]) {
          const valueAndGrad = (f: (z: tf.Tensor4D) => tf.Scalar) =>
            tf.valueAndGrad(f)(logits);
          const fused = valueAndGrad((z) =>
            upsampledCrossEntropy(z, labels, w, { alignCorners })
          );
          const expected = valueAndGrad((z) => unfused(z, labels, w, alignCorners));
          const what = `${from} to ${to}`;
          await assertClose(fused.value, expected.value, TOLERANCE, `${what}: sum`);
          await assertClose(fused.grad, expected.grad, TOLERANCE, `${what}: gradient`);
        }
      }
    },
  );
}

onEachBackend(
  "upsampledCrossEntropy() matches finite-difference gradients",
  async () => {
    const { logits, labels, weights } = example([3, 4], [7, 9]);
    await assertGradients(
      (z) => upsampledCrossEntropy(z as tf.Tensor, labels, weights),
      [logits],
    );
  },
);

onEachBackend("upsampledCrossEntropy() is deterministic", async () => {
  const { logits, labels, weights } = example([13, 11], [52, 44]);
  const gradient = () =>
    tf.grad((z) => upsampledCrossEntropy(z, labels, weights))(logits);
  assert.deepEqual(await readBack(gradient()), await readBack(gradient()));
  const sum = () => upsampledCrossEntropy(logits, labels, weights);
  assert.deepEqual(await readBack(sum()), await readBack(sum()));
});

onEachBackend("upsampledCrossEntropy() matches its CPU reference", async (backend) => {
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
  "upsampledCrossEntropy() and softmaxCrossEntropy() are not finite for NaN and infinite logits",
  async () => {
    for (const wrong of [NaN, Infinity]) {
      for (const label of [0, 1]) {
        const logits = tf.tensor4d([[[[1, wrong, 0]]]]);
        const labels = tf.tensor3d([[[label]]], undefined, "int32");
        const losses = [
          upsampledCrossEntropy(logits, labels, null),
          softmaxCrossEntropy(logits, labels),
        ];
        for (const loss of losses) {
          const [value] = await readBack(loss);
          assert.ok(!Number.isFinite(value), `${value} for ${wrong}, label ${label}`);
        }
      }
    }
  },
);

onEachBackend("upsampledCrossEntropy() leaks no tensors", () => {
  const { logits, labels, weights } = example([3, 4], [12, 16]);
  assert.equal(tensorsKeptBy(() => upsampledCrossEntropy(logits, labels, weights)), 1);
  const gradient = tf.grad((z) => upsampledCrossEntropy(z, labels, weights));
  assert.equal(tensorsKeptBy(() => gradient(logits)), 1);
});

onEachBackend("upsampledCrossEntropy() rejects mismatched sizes", () => {
  const { logits, labels, weights } = example([3, 4], [12, 16]);
  const few = tf.slice(labels, 0, 1);
  assert.throws(() => upsampledCrossEntropy(logits, few, null), {
    name: "RangeError",
    message: "Cannot compare logits [2,3,4,5] with labels [1,12,16]: " +
      '"logits" must be [B, h, w, C] and "labels" [B, H, W]',
  });
  assert.throws(() => upsampledCrossEntropy(logits, labels, tf.slice(weights, 0, 1)), {
    name: "RangeError",
    message: 'Cannot weight 384 pixels with 192 weights: "weights" must be [2,12,16]',
  });
});
