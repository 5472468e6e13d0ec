// The pixel contrast and its memory against a reference in double-precision loops.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import {
  contrastMemoryParameters,
  openContrastMemory,
} from "../../src/objectives/contrast_memory.ts";
import {
  contrastLoss,
  type ContrastSamples,
  sampleContrast,
} from "../../src/objectives/pixel_contrast.ts";
import { NO_VALUE } from "../../src/ops/order_statistic/order_statistic.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";
import {
  emptyMemory,
  referenceContrast,
  type ReferenceContrastOptions,
  type ReferenceInputs,
} from "./reference_contrast.ts";

const OPTIONS: ReferenceContrastOptions = {
  ...{ classCount: 5, channels: 4, numQueries: 6, numNegatives: 3, temperature: 0.5 },
  ...{ ranks: [2, 4], currentClassThreshold: 0.3 },
  ...{ queueSize: 10, maxEnqueued: 4 },
};
const LABELED_COUNT = 2;
const [I, h, w] = [4, 3, 5];
const [H, W] = [7, 10];
const SEED = 5;
const IGNORED = 255;

/** A batch that has some of the classes only, and pixels without a label. */
function inputsAt(t: number): { inputs: ReferenceInputs; student: number[] } {
  const random = createRandom(9, "view", t);
  const numbers = (count: number, scale = 1) =>
    Array.from({ length: count }, () => Math.fround(scale * random.normal()));
  const present = t === 1 ? [2] : t === 3 ? [0, 4] : [0, 1, 2, 3];
  const labels = Array.from(
    { length: I * H * W },
    (_, i) => i % 6 === 5 ? IGNORED : present[random.integer(present.length)] ?? IGNORED,
  );
  const unlabeledPixels = (I - LABELED_COUNT) * H * W;
  return {
    inputs: {
      ...{ mapSize: [I, h, w], labelSize: [H, W], labeledCount: LABELED_COUNT, labels },
      logits: numbers(I * h * w * OPTIONS.classCount, 1.5),
      representation: numbers(I * h * w * OPTIONS.channels),
      entropy: numbers(unlabeledPixels).map(Math.abs).map(Math.fround),
      schedule: [0.23 - 0.02 * t, t < 2 ? 0 : 1 - 1 / t],
    },
    student: numbers(I * h * w * OPTIONS.channels),
  };
}

const upload = (
  { logits, representation, labels, entropy, schedule }: ReferenceInputs,
) => {
  const labeledEntropy = entropy.map((e, i) =>
    labels[LABELED_COUNT * H * W + i] === IGNORED ? NO_VALUE : e
  );
  return {
    logits: tf.tensor4d([...logits], [I, h, w, OPTIONS.classCount]),
    representation: tf.tensor4d([...representation], [I, h, w, OPTIONS.channels]),
    labels: tf.tensor3d([...labels], [I, H, W], "int32"),
    entropy: tf.tensor3d(labeledEntropy, [I - LABELED_COUNT, H, W]),
    schedule: tf.tensor1d([...schedule]),
  };
};

const release = (tensors: object) => tf.dispose(Object.values(tensors) as tf.Tensor[]);

function openMemory() {
  const weights = initializeWeights(contrastMemoryParameters(OPTIONS), 0);
  return { weights, memory: openContrastMemory(weights, OPTIONS) };
}

/** The entries in the ring buffer of a class, oldest first. */
function entriesOf(
  bank: ArrayLike<number>,
  cursor: ArrayLike<number>,
  c: number,
): number[] {
  const { queueSize: S, channels: D } = OPTIONS;
  const [next = 0, filled = 0] = [cursor[3 * c], cursor[3 * c + 1]];
  return Array.from({ length: filled }, (_, k) => (next + S - filled + k) % S)
    .flatMap((place) =>
      Array.from({ length: D }, (_, d) => bank[(c * S + place) * D + d] ?? NaN)
    );
}

onEachBackend(
  "contrastLoss() with its gradient and memory equals the reference",
  async () => {
    const { weights, memory } = openMemory();
    let referenceMemory: readonly ReturnType<typeof emptyMemory>[number][] = emptyMemory(
      OPTIONS,
    );
    const losses: number[] = [];
    for (let t = 0; t < 8; t++) {
      const { inputs, student } = inputsAt(t);
      const key = { seed: SEED, forwardIndex: 10 + t };
      const expected = referenceContrast(inputs, student, referenceMemory, OPTIONS, key);
      const tensors = upload(inputs);
      const x = tf.tensor4d(student, [I, h, w, OPTIONS.channels]);
      const before = tf.memory().numTensors;
      const samples = sampleContrast(tensors, LABELED_COUNT, memory, OPTIONS, key);
      assert.equal(tf.memory().numTensors, before + 4, "no other tensor is left");
      const { value, grad } = tf.valueAndGrad((x: tf.Tensor) =>
        contrastLoss(x as tf.Tensor4D, samples, memory, OPTIONS.temperature)
      )(x);
      await assertClose(value, [expected.loss], 2e-5, `loss ${t}`);
      await assertClose(grad, expected.gradient, 1e-4, `gradient ${t}`);
      losses.push(expected.loss);
      // Forward passes 3 and 5 are look-ahead steps.
      if (t !== 3 && t !== 5) {
        memory.commit();
        referenceMemory = expected.nextMemory;
      }
      const [bank, cursor, prototype] = [
        await readBack(memory.bank),
        await readBack(memory.cursor),
        await readBack(memory.prototype),
      ];
      for (const [c, expectedClass] of referenceMemory.entries()) {
        await assertClose(
          entriesOf(bank, cursor, c),
          expectedClass.bank.flat(),
          1e-5,
          `bank ${c} at ${t}`,
        );
        const found = Array.from(prototype).slice(4 * c, 4 * c + 4);
        await assertClose(
          found,
          expectedClass.prototype ?? [0, 0, 0, 0],
          1e-5,
          `prototype ${c} at ${t}`,
        );
        assert.equal(cursor[3 * c + 2], Number(expectedClass.prototype !== null));
      }
      release(tensors);
      release(samples);
      tf.dispose([x, value, grad]);
      assert.equal(tf.memory().numTensors, before - 6);
    }
    assert.ok(referenceMemory.some(({ bank }) => bank.length === 10), "one bank is full");
    assert.ok(
      losses.filter((loss) => loss > 0).length > 4,
      "most losses are positive",
    );
    memory.release();
    releaseWeights(weights);
  },
);

onEachBackend("contrastLoss() of a single class is 0 with zero gradient", async () => {
  const { weights, memory } = openMemory();
  const { inputs, student } = inputsAt(1);
  const tensors = upload(inputs);
  const key = { seed: SEED, forwardIndex: 1 };
  const samples = sampleContrast(tensors, LABELED_COUNT, memory, OPTIONS, key);
  const { value, grad } = tf.valueAndGrad((x: tf.Tensor) =>
    contrastLoss(x as tf.Tensor4D, samples, memory, OPTIONS.temperature)
  )(tf.tensor4d(student, [I, h, w, OPTIONS.channels]));
  await assertClose(value, [0], 0);
  await assertClose(grad, student.map(() => 0), 0);
  releaseWeights(weights);
});

onEachBackend("contrastLoss() matches finite-difference gradients", async () => {
  const { weights, memory } = openMemory();
  const { inputs } = inputsAt(0);
  const key = { seed: SEED, forwardIndex: 1 };
  const samples: ContrastSamples = sampleContrast(
    upload(inputs),
    LABELED_COUNT,
    memory,
    OPTIONS,
    key,
  );
  const x = randomTensor<tf.Rank.R4>([I, h, w, OPTIONS.channels], "student");
  const loss = (x: tf.Tensor) =>
    contrastLoss(x as tf.Tensor4D, samples, memory, OPTIONS.temperature);
  const gradient = tf.grad(loss)(x);
  const direction = randomTensor<tf.Rank.R4>([I, h, w, OPTIONS.channels], "direction");
  const valueAt = async (step: number) =>
    (await readBack(loss(tf.add(x, tf.mul(direction, step)))))[0] ?? NaN;
  const numeric = (await valueAt(1e-2) - await valueAt(-1e-2)) / 2e-2;
  const [exact = NaN] = await readBack(tf.sum(tf.mul(gradient, direction)));
  assert.ok(Math.abs(exact) > 1e-2, "the directional derivative is not 0");
  assert.ok(
    Math.abs(exact - numeric) < 4e-3 * Math.abs(exact) + 1e-4,
    `${exact} ${numeric}`,
  );
  memory.release();
  releaseWeights(weights);
});
