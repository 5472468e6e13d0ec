// Three iterations of the rules for few labels, plain and with a look-ahead of depth 3,
// against the same iterations over plain double-precision numbers.
import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { readBack } from "../../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import type { Weights } from "../../src/core/network.ts";
import { initialWeights, releaseWeights, zerosLike } from "../../src/core/weights.ts";
import {
  adaptiveFutureSelfTraining,
  futureSelfTraining,
  futureSlots,
  type LookAhead,
  releaseSlots,
} from "../../src/methods/future_self_training.ts";
import {
  type Learner,
  type Objective,
  releaseLosses,
} from "../../src/methods/learner.ts";
import { meanTeacher } from "../../src/methods/mean_teacher.ts";
import { weakToStrong } from "../../src/methods/weak_to_strong.ts";
import {
  type ContrastMemory,
  contrastMemory,
  contrastParameters,
} from "../../src/objectives/contrast_memory.ts";
import { validCrossEntropy } from "../../src/objectives/valid_cross_entropy.ts";
import { sgdStep } from "../../src/optim/sgd.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";
import { emptyPast } from "../objectives/plain_contrast.ts";
import {
  batchAt,
  hostOf,
  NAMES,
  network,
  parameters,
  SEED,
  start,
  upload,
  view,
} from "./few_labels_network.ts";
import {
  CONTRAST,
  LAMBDA,
  PERCENT,
  plainIteration,
  type PlainLearner,
  plainMeanTeacher,
  type PlainMemory,
  type PlainObjective,
  plainWeakToStrong,
  SGD,
  THRESHOLD,
  WEIGHT,
} from "./plain_few_labels.ts";
import * as plain from "./plain_network.ts";

const DEPTH = 3;
const ITERATIONS = 3;

const SOUND: LookAhead = {
  depth: DEPTH,
  width: 1,
  momentum: 0.99,
  optimizerState: "restore",
  buffers: "restore",
  teacherClock: "iteration",
  presentStudent: "after",
  lateMomentum: "this",
  firstIteration: "lookahead",
};
const LOOK_AHEADS: Readonly<Record<string, LookAhead>> = {
  "without a look-ahead": { ...SOUND, depth: 0 },
  "at depth 3": SOUND,
  "at depth 3 as published": {
    ...SOUND,
    optimizerState: "carry",
    buffers: "carry",
    presentStudent: "both",
  },
};

const common = {
  ...{ network, seed: SEED, criterion: validCrossEntropy },
  ...{ ignorePadding: false, compared: false },
};
const meanTeacherWith = (filterTeacher: "train" | "eval", compared = false) =>
  meanTeacher({
    ...common,
    perturb: view,
    percent: () => PERCENT,
    ...{ filterTeacher, weight: WEIGHT, compared },
  });
const scheduleAt = (depth: number) => (evaluation: number) => {
  const t = Math.floor(evaluation / (depth + 1));
  return [0.3 - 0.07 * t, t < 2 ? 0 : 1 - 1 / t] as const;
};
const contrastWith = (depth: number, memory: ContrastMemory) =>
  meanTeacher({
    ...common,
    ...{ perturb: view, percent: () => PERCENT, filterTeacher: "train", weight: WEIGHT },
    contrast: {
      ...CONTRAST,
      memory,
      schedule: (_batch, evaluation) => tf.tensor1d([...scheduleAt(depth)(evaluation)]),
    },
  });
const RULES: Readonly<Record<string, readonly [() => Objective, PlainObjective]>> = {
  "mean teacher": [() => meanTeacherWith("train"), plainMeanTeacher("train")],
  "mean teacher that is unsure as in evaluation": [
    () => meanTeacherWith("eval"),
    plainMeanTeacher("eval"),
  ],
  "weak to strong": [
    () =>
      weakToStrong({
        ...common,
        threshold: THRESHOLD,
        strongWeight: LAMBDA.strong,
        featureWeight: LAMBDA.features,
        featureDropout: 0,
        view: (input, _batch, _evaluation, which) =>
          which === 0 ? view(input) : {
            images: tf.clone(input.images),
            labels: tf.clone(input.labels),
          },
      }),
    plainWeakToStrong,
  ],
};

function startLearner(): Learner {
  return {
    student: upload(start()),
    teacher: upload(start()),
    moments: { steps: 0, first: zerosLike(parameters), second: new Map() },
    evaluations: 0,
  };
}

const recipeOf = (objective: Objective) => ({
  parameters,
  ...objective,
  descend: (...[weights, moments, gradient]: [Weights, Learner["moments"], Weights]) =>
    sgdStep(parameters, weights, moments, gradient, SGD.rate, {
      momentum: SGD.momentum,
      weightDecay: SGD.decay,
      headFactor: 10,
    }),
});

function releaseLearner({ student, teacher, moments }: Learner): void {
  [student, teacher ?? assert.fail(), moments.first].forEach(releaseWeights);
}

/** Takes iterations, and compares student, teacher and velocity after each. */
async function assertSame(
  objective: Objective,
  byHand: PlainObjective,
  lookAhead: LookAhead,
  memory: PlainMemory | null = null,
): Promise<void> {
  const learner = startLearner();
  const expected: PlainLearner = {
    student: start(),
    teacher: start(),
    velocity: plain.noGradient(),
  };
  const slots = futureSlots(learner, lookAhead);
  const recipe = recipeOf(objective);
  for (let t = 0; t < ITERATIONS; t++) {
    const batch = uploadBatch(hostOf(batchAt(t)));
    const { numTensors, numBytes } = tf.memory();
    const losses = futureSelfTraining(learner, slots, [batch], t, lookAhead, recipe);
    assert.equal(losses.has("contrast"), memory !== null);
    releaseLosses(losses);
    assert.equal(tf.memory().numTensors, numTensors, "an iteration keeps no tensor");
    assert.equal(tf.memory().numBytes, numBytes, "an iteration keeps no bytes");
    releaseBatch(batch);
    const published = lookAhead.presentStudent === "both";
    const { depth } = lookAhead;
    plainIteration(expected, batchAt(t), t, byHand, { depth, published }, memory);
    for (const name of plain.names) {
      for (const who of ["student", "teacher"] as const) {
        const value = learner[who]?.get(NAMES[name]) ?? assert.fail();
        const what = `${name} of the ${who} after iteration ${t}`;
        await assertClose(value, expected[who][name], 2e-4, what);
      }
    }
    for (const name of plain.TRAINED_NAMES) {
      const value = learner.moments.first.get(NAMES[name]) ?? assert.fail();
      await assertClose(value, expected.velocity[name], 1e-3, `velocity of ${name}`);
    }
  }
  releaseSlots(slots);
  releaseLearner(learner);
}

for (const [how, lookAhead] of Object.entries(LOOK_AHEADS)) {
  for (const [rule, [build, byHand]] of Object.entries(RULES)) {
    onEachBackend(
      `${rule} ${how} is what plain numbers say`,
      () => assertSame(build(), byHand, lookAhead),
    );
  }

  onEachBackend(
    `mean teacher with a contrast ${how} is what plain numbers say`,
    async () => {
      const weights = initialWeights(contrastParameters(CONTRAST), 0);
      const memory = contrastMemory(weights, CONTRAST);
      const past = emptyPast(CONTRAST);
      const { depth } = lookAhead;
      const byHand: PlainMemory = {
        ...{ past, next: past, evaluations: 0, scheduleAt: scheduleAt(depth) },
      };
      const objective = plainMeanTeacher("train", byHand);
      await assertSame(contrastWith(depth, memory), objective, lookAhead, byHand);
      const [, , filled = []] = byHand.past.map(({ bank }) => bank);
      assert.equal(filled.length, CONTRAST.entriesPerClass);
      memory.release();
      releaseWeights(weights);
    },
  );
}

onEachBackend(
  "an adaptive depth stops at the agreement, and changes nothing else",
  async () => {
    const run = async (agreement: number | null, depth: number) => {
      const learner = startLearner();
      const lookAhead = { ...SOUND, depth, agreement };
      const slots = futureSlots(learner, lookAhead);
      const recipe = recipeOf(meanTeacherWith("train", agreement !== null));
      const evaluations: number[] = [];
      for (let t = 0; t < ITERATIONS; t++) {
        const batch = uploadBatch(hostOf(batchAt(t)));
        const before = [learner.evaluations, tf.memory().numTensors] as const;
        releaseLosses(
          await adaptiveFutureSelfTraining(learner, slots, [batch], t, lookAhead, recipe),
        );
        evaluations.push(learner.evaluations - before[0]);
        assert.equal(tf.memory().numTensors, before[1]);
        releaseBatch(batch);
      }
      const bits: number[] = [];
      for (const name of plain.names) {
        bits.push(...await readBack(learner.teacher?.get(NAMES[name]) ?? assert.fail()));
      }
      releaseSlots(slots);
      releaseLearner(learner);
      return { evaluations, bits };
    };
    // No two opinions agree on more than all pixels, and all agree on more than none.
    assert.deepEqual(await run(1, 3), await run(null, 3));
    assert.deepEqual(await run(-1, 3), await run(null, 1));
  },
);

onEachBackend("an adaptive depth is refused where nothing can be read", () => {
  const learner = startLearner();
  const lookAhead = { ...SOUND, agreement: 0.9 };
  const slots = futureSlots(learner, lookAhead);
  const recipe = recipeOf(meanTeacherWith("train", true));
  const batch = uploadBatch(hostOf(batchAt(0)));
  assert.throws(
    () => futureSelfTraining(learner, slots, [batch], 0, lookAhead, recipe),
    { name: "TypeError", message: /^Cannot look ahead at once: / },
  );
  releaseBatch(batch);
  releaseSlots(slots);
  releaseLearner(learner);
});
