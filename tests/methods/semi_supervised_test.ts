// Three iterations of the semi-supervised methods, without a look-ahead and with depth 3,
// against a reference in double precision.
import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { readBack } from "../../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import type { Weights } from "../../src/core/network.ts";
import {
  initializeWeights,
  releaseWeights,
  zeroMoments,
} from "../../src/core/weights.ts";
import {
  adaptiveFutureSelfTraining,
  futureSelfTraining,
  type LookAhead,
} from "../../src/methods/future_self_training.ts";
import { createScratchSets, releaseScratchSets } from "../../src/methods/scratch_sets.ts";
import {
  type Learner,
  type Objective,
  releaseLosses,
} from "../../src/methods/learner.ts";
import { meanTeacher } from "../../src/methods/mean_teacher.ts";
import { weakToStrong } from "../../src/methods/weak_to_strong.ts";
import {
  type ContrastMemory,
  contrastMemoryParameters,
  openContrastMemory,
} from "../../src/objectives/contrast_memory.ts";
import { crossEntropyCriterion } from "../../src/objectives/criterion.ts";
import { sgdStep } from "../../src/optim/optimizer.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";
import { emptyMemory } from "../objectives/reference_contrast.ts";
import {
  batchAt,
  hostBatchOf,
  initialWeights,
  NAMES,
  network,
  parameters,
  SEED,
  swapView,
  uploadWeights,
} from "./semi_supervised_network.ts";
import {
  CONFIDENCE_THRESHOLD,
  CONTRAST,
  KEPT_PERCENT,
  LOSS_WEIGHTS,
  type ReferenceContrastState,
  referenceIteration,
  type ReferenceLearner,
  referenceMeanTeacher,
  type ReferenceObjective,
  referenceWeakToStrong,
  SGD,
  UNSUPERVISED_WEIGHT,
} from "./reference_semi_supervised.ts";
import * as reference from "./reference_network.ts";

const DEPTH = 3;
const ITERATIONS = 3;

const PAPER: LookAhead = {
  depth: DEPTH,
  width: 1,
  emaDecay: 0.99,
  optimizerState: "restore",
  buffers: "restore",
  emaStep: "iteration",
  emaTiming: "after",
  emaDecayAt: "this",
  firstIteration: "lookahead",
};
const LOOK_AHEADS: Readonly<Record<string, LookAhead>> = {
  "without a look-ahead": { ...PAPER, depth: 0 },
  "at depth 3": PAPER,
  "at depth 3 as asPublished": {
    ...PAPER,
    optimizerState: "carry",
    buffers: "carry",
    emaTiming: "both",
  },
};

const common = {
  ...{ network, seed: SEED, criterion: crossEntropyCriterion("valid") },
  ...{ ignorePadding: false, measuresAgreement: false },
};
const meanTeacherWith = (filterMode: "train" | "eval", measuresAgreement = false) =>
  meanTeacher({
    ...common,
    perturb: swapView,
    keptPercent: () => KEPT_PERCENT,
    ...{ filterMode, unsupervisedWeight: UNSUPERVISED_WEIGHT, measuresAgreement },
  });
const scheduleAt = (depth: number) => (forwardIndex: number) => {
  const t = Math.floor(forwardIndex / (depth + 1));
  return [0.3 - 0.07 * t, t < 2 ? 0 : 1 - 1 / t] as const;
};
const contrastWith = (depth: number, memory: ContrastMemory) =>
  meanTeacher({
    ...common,
    ...{
      perturb: swapView,
      keptPercent: () => KEPT_PERCENT,
      filterMode: "train",
      unsupervisedWeight: UNSUPERVISED_WEIGHT,
    },
    contrast: {
      ...CONTRAST,
      memory,
      schedule: (_batch, forwardIndex) =>
        tf.tensor1d([...scheduleAt(depth)(forwardIndex)]),
    },
  });
const METHODS: Readonly<Record<string, readonly [() => Objective, ReferenceObjective]>> =
  {
    "mean teacher": [() => meanTeacherWith("train"), referenceMeanTeacher("train")],
    "mean teacher with filterMode eval": [
      () => meanTeacherWith("eval"),
      referenceMeanTeacher("eval"),
    ],
    "weak to strong": [
      () =>
        weakToStrong({
          ...common,
          confidenceThreshold: CONFIDENCE_THRESHOLD,
          strongWeight: LOSS_WEIGHTS.strong,
          featurePerturbationWeight: LOSS_WEIGHTS.features,
          featureDropout: 0,
          ...{ pseudoLabelAverage: "all", copiesBuffers: true, channelFactors: null },
          strongView: (input, _batch, _forwardIndex, viewIndex) =>
            viewIndex === 0 ? swapView(input) : {
              images: tf.clone(input.images),
              labels: tf.clone(input.labels),
            },
        }),
      referenceWeakToStrong,
    ],
  };

function startLearner(): Learner {
  return {
    student: uploadWeights(initialWeights()),
    teacher: uploadWeights(initialWeights()),
    moments: { steps: 0, first: zeroMoments(parameters), second: new Map() },
    forwardCount: 0,
  };
}

const recipeOf = (objective: Objective) => ({
  parameters,
  ...objective,
  optimizerStep: (
    ...[weights, moments, gradient]: [Weights, Learner["moments"], Weights]
  ) =>
    sgdStep(parameters, weights, moments, gradient, SGD.learningRate, {
      momentum: SGD.momentum,
      weightDecay: SGD.weightDecay,
      headLrMultiplier: 10,
    }),
});

function releaseLearner({ student, teacher, moments }: Learner): void {
  [student, teacher ?? assert.fail(), moments.first].forEach(releaseWeights);
}

/** Compares student, teacher and velocity with the reference after each iteration. */
async function assertEqualsReference(
  objective: Objective,
  referenceObjective: ReferenceObjective,
  lookAhead: LookAhead,
  contrastState: ReferenceContrastState | null = null,
): Promise<void> {
  const learner = startLearner();
  const expected: ReferenceLearner = {
    student: initialWeights(),
    teacher: initialWeights(),
    velocity: reference.zeroGradient(),
  };
  const scratch = createScratchSets(learner, lookAhead);
  const recipe = recipeOf(objective);
  for (let t = 0; t < ITERATIONS; t++) {
    const batch = uploadBatch(hostBatchOf(batchAt(t)));
    const { numTensors, numBytes } = tf.memory();
    const losses = futureSelfTraining({
      ...{ learner, scratch, lookAhead, recipe },
      batches: [batch],
      iteration: t,
    });
    assert.equal(losses.has("contrast"), contrastState !== null);
    releaseLosses(losses);
    assert.equal(tf.memory().numTensors, numTensors, "an iteration keeps no tensor");
    assert.equal(tf.memory().numBytes, numBytes, "an iteration keeps no bytes");
    releaseBatch(batch);
    const asPublished = lookAhead.emaTiming === "both";
    const { depth } = lookAhead;
    referenceIteration(
      expected,
      batchAt(t),
      t,
      referenceObjective,
      { depth, asPublished },
      contrastState,
    );
    for (const name of reference.names) {
      for (const role of ["student", "teacher"] as const) {
        const value = learner[role]?.get(NAMES[name]) ?? assert.fail();
        const what = `${name} of the ${role} after iteration ${t}`;
        await assertClose(value, expected[role][name], 2e-4, what);
      }
    }
    for (const name of reference.TRAINABLE_NAMES) {
      const value = learner.moments.first.get(NAMES[name]) ?? assert.fail();
      await assertClose(value, expected.velocity[name], 1e-3, `velocity of ${name}`);
    }
  }
  releaseScratchSets(scratch);
  releaseLearner(learner);
}

for (const [description, lookAhead] of Object.entries(LOOK_AHEADS)) {
  for (const [method, [build, referenceObjective]] of Object.entries(METHODS)) {
    onEachBackend(
      `${method} ${description} equals the reference`,
      () => assertEqualsReference(build(), referenceObjective, lookAhead),
    );
  }

  onEachBackend(
    `mean teacher with contrast ${description} equals the reference`,
    async () => {
      const weights = initializeWeights(contrastMemoryParameters(CONTRAST), 0);
      const memory = openContrastMemory(weights, CONTRAST);
      const emptyClasses = emptyMemory(CONTRAST);
      const { depth } = lookAhead;
      const contrastState: ReferenceContrastState = {
        memory: emptyClasses,
        nextMemory: emptyClasses,
        forwardCount: 0,
        scheduleAt: scheduleAt(depth),
      };
      const objective = referenceMeanTeacher("train", contrastState);
      await assertEqualsReference(
        contrastWith(depth, memory),
        objective,
        lookAhead,
        contrastState,
      );
      const [, , thirdBank = []] = contrastState.memory.map(({ bank }) => bank);
      assert.equal(thirdBank.length, CONTRAST.queueSize);
      memory.release();
      releaseWeights(weights);
    },
  );
}

onEachBackend(
  "adaptiveFutureSelfTraining() stops at the agreement and changes nothing else",
  async () => {
    const run = async (agreement: number | null, depth: number) => {
      const learner = startLearner();
      const lookAhead = { ...PAPER, depth, agreement };
      const scratch = createScratchSets(learner, lookAhead);
      const recipe = recipeOf(meanTeacherWith("train", agreement !== null));
      const forwardCounts: number[] = [];
      for (let t = 0; t < ITERATIONS; t++) {
        const batch = uploadBatch(hostBatchOf(batchAt(t)));
        const before = [learner.forwardCount, tf.memory().numTensors] as const;
        releaseLosses(
          await adaptiveFutureSelfTraining({
            ...{ learner, scratch, lookAhead, recipe },
            batches: [batch],
            iteration: t,
          }),
        );
        forwardCounts.push(learner.forwardCount - before[0]);
        assert.equal(tf.memory().numTensors, before[1]);
        releaseBatch(batch);
      }
      const bits: number[] = [];
      for (const name of reference.names) {
        bits.push(...await readBack(learner.teacher?.get(NAMES[name]) ?? assert.fail()));
      }
      releaseScratchSets(scratch);
      releaseLearner(learner);
      return { forwardCounts, bits };
    };
    // No agreement exceeds 1, and every agreement exceeds -1.
    assert.deepEqual(await run(1, 3), await run(null, 3));
    assert.deepEqual(await run(-1, 3), await run(null, 1));
  },
);

onEachBackend("futureSelfTraining() rejects an adaptive depth", () => {
  const learner = startLearner();
  const lookAhead = { ...PAPER, agreement: 0.9 };
  const scratch = createScratchSets(learner, lookAhead);
  const recipe = recipeOf(meanTeacherWith("train", true));
  const batch = uploadBatch(hostBatchOf(batchAt(0)));
  assert.throws(
    () =>
      futureSelfTraining({
        ...{ learner, scratch, lookAhead, recipe },
        batches: [batch],
        iteration: 0,
      }),
    { name: "TypeError", message: /^Cannot run futureSelfTraining\(\): / },
  );
  releaseBatch(batch);
  releaseScratchSets(scratch);
  releaseLearner(learner);
});
