// The contrast of pixels and its memory against the same in plain double-precision loops.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import {
  contrastMemory,
  contrastParameters,
} from "../../src/objectives/contrast_memory.ts";
import {
  contrastLoss,
  type ContrastPlan,
  planContrast,
} from "../../src/objectives/pixel_contrast.ts";
import { NO_VALUE } from "../../src/ops/order_statistic.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";
import {
  emptyPast,
  plainContrast,
  type PlainOptions,
  type PlainView,
} from "./plain_contrast.ts";

const OPTIONS: PlainOptions = {
  ...{ classes: 5, channels: 4, queries: 6, negatives: 3, temperature: 0.5 },
  ...{ ranks: [2, 4], minimumProbability: 0.3 },
  ...{ entriesPerClass: 10, newPerIteration: 4 },
};
const KNOWN = 2;
const [I, h, w] = [4, 3, 5];
const [H, W] = [7, 10];
const SEED = 5;
const IGNORED = 255;

/** A batch that has some of the classes only, and pixels without a label. */
function viewAt(t: number): { view: PlainView; student: number[] } {
  const random = createRandom(9, "view", t);
  const numbers = (count: number, spread = 1) =>
    Array.from({ length: count }, () => Math.fround(spread * random.normal()));
  const present = t === 1 ? [2] : t === 3 ? [0, 4] : [0, 1, 2, 3];
  const labels = Array.from(
    { length: I * H * W },
    (_, i) => i % 6 === 5 ? IGNORED : present[random.integer(present.length)] ?? IGNORED,
  );
  const unlabelled = (I - KNOWN) * H * W;
  return {
    view: {
      ...{ small: [I, h, w], large: [H, W], known: KNOWN, labels },
      logits: numbers(I * h * w * OPTIONS.classes, 1.5),
      representation: numbers(I * h * w * OPTIONS.channels),
      entropy: numbers(unlabelled).map(Math.abs).map(Math.fround),
      schedule: [0.23 - 0.02 * t, t < 2 ? 0 : 1 - 1 / t],
    },
    student: numbers(I * h * w * OPTIONS.channels),
  };
}

const uploaded = ({ logits, representation, labels, entropy, schedule }: PlainView) => {
  const told = entropy.map((e, i) =>
    labels[KNOWN * H * W + i] === IGNORED ? NO_VALUE : e
  );
  return {
    logits: tf.tensor4d([...logits], [I, h, w, OPTIONS.classes]),
    representation: tf.tensor4d([...representation], [I, h, w, OPTIONS.channels]),
    labels: tf.tensor3d([...labels], [I, H, W], "int32"),
    entropy: tf.tensor3d(told, [I - KNOWN, H, W]),
    schedule: tf.tensor1d([...schedule]),
  };
};

const release = (all: object) => tf.dispose(Object.values(all) as tf.Tensor[]);

function start() {
  const weights = initialWeights(contrastParameters(OPTIONS), 0);
  return { weights, memory: contrastMemory(weights, OPTIONS) };
}

/** The newest entries of a class's ring, the oldest of them first. */
function listOf(bank: ArrayLike<number>, cursor: ArrayLike<number>, c: number): number[] {
  const { entriesPerClass: S, channels: D } = OPTIONS;
  const [next = 0, filled = 0] = [cursor[3 * c], cursor[3 * c + 1]];
  return Array.from({ length: filled }, (_, k) => (next + S - filled + k) % S)
    .flatMap((place) =>
      Array.from({ length: D }, (_, d) => bank[(c * S + place) * D + d] ?? NaN)
    );
}

onEachBackend(
  "the contrast, its gradient and its memory are what plain numbers say",
  async () => {
    const { weights, memory } = start();
    let past: readonly ReturnType<typeof emptyPast>[number][] = emptyPast(OPTIONS);
    const losses: number[] = [];
    for (let t = 0; t < 8; t++) {
      const { view, student } = viewAt(t);
      const key = { seed: SEED, evaluation: 10 + t };
      const expected = plainContrast(view, student, past, OPTIONS, key);
      const given = uploaded(view);
      const x = tf.tensor4d(student, [I, h, w, OPTIONS.channels]);
      const before = tf.memory().numTensors;
      const plan = planContrast(given, KNOWN, memory, OPTIONS, key);
      assert.equal(tf.memory().numTensors, before + 4, "a plan is all that is left");
      const { value, grad } = tf.valueAndGrad((x: tf.Tensor) =>
        contrastLoss(x as tf.Tensor4D, plan, memory, OPTIONS.temperature)
      )(x);
      await assertClose(value, [expected.loss], 2e-5, `loss ${t}`);
      await assertClose(grad, expected.slope, 1e-4, `gradient ${t}`);
      losses.push(expected.loss);
      // Evaluations 3 and 5 are virtual.
      if (t !== 3 && t !== 5) {
        memory.commit();
        past = expected.next;
      }
      const [bank, cursor, prototype] = [
        await readBack(memory.bank),
        await readBack(memory.cursor),
        await readBack(memory.prototype),
      ];
      for (const [c, one] of past.entries()) {
        await assertClose(
          listOf(bank, cursor, c),
          one.bank.flat(),
          1e-5,
          `bank ${c} at ${t}`,
        );
        const own = Array.from(prototype).slice(4 * c, 4 * c + 4);
        await assertClose(
          own,
          one.prototype ?? [0, 0, 0, 0],
          1e-5,
          `prototype ${c} at ${t}`,
        );
        assert.equal(cursor[3 * c + 2], Number(one.prototype !== null));
      }
      release(given);
      release(plan);
      tf.dispose([x, value, grad]);
      assert.equal(tf.memory().numTensors, before - 6);
    }
    assert.ok(past.some(({ bank }) => bank.length === 10), "a bank is full");
    assert.ok(
      losses.filter((loss) => loss > 0).length > 4,
      "there is something to compare",
    );
    memory.release();
    releaseWeights(weights);
  },
);

onEachBackend("one class alone has no contrast, and no gradient", async () => {
  const { weights, memory } = start();
  const { view, student } = viewAt(1);
  const given = uploaded(view);
  const key = { seed: SEED, evaluation: 1 };
  const plan = planContrast(given, KNOWN, memory, OPTIONS, key);
  const { value, grad } = tf.valueAndGrad((x: tf.Tensor) =>
    contrastLoss(x as tf.Tensor4D, plan, memory, OPTIONS.temperature)
  )(tf.tensor4d(student, [I, h, w, OPTIONS.channels]));
  await assertClose(value, [0], 0);
  await assertClose(grad, student.map(() => 0), 0);
  releaseWeights(weights);
});

onEachBackend("the gradient of the contrast is that of its differences", async () => {
  const { weights, memory } = start();
  const { view } = viewAt(0);
  const key = { seed: SEED, evaluation: 1 };
  const plan: ContrastPlan = planContrast(uploaded(view), KNOWN, memory, OPTIONS, key);
  const x = randomTensor<tf.Rank.R4>([I, h, w, OPTIONS.channels], "student");
  const loss = (x: tf.Tensor) =>
    contrastLoss(x as tf.Tensor4D, plan, memory, OPTIONS.temperature);
  const slope = tf.grad(loss)(x);
  const direction = randomTensor<tf.Rank.R4>([I, h, w, OPTIONS.channels], "direction");
  const valueAt = async (step: number) =>
    (await readBack(loss(tf.add(x, tf.mul(direction, step)))))[0] ?? NaN;
  const numeric = (await valueAt(1e-2) - await valueAt(-1e-2)) / 2e-2;
  const [exact = NaN] = await readBack(tf.sum(tf.mul(slope, direction)));
  assert.ok(Math.abs(exact) > 1e-2, "the direction is not flat");
  assert.ok(
    Math.abs(exact - numeric) < 4e-3 * Math.abs(exact) + 1e-4,
    `${exact} ${numeric}`,
  );
  memory.release();
  releaseWeights(weights);
});
