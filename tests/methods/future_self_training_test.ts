// The method on a network of one weight: a step adds its own number, and the teacher equals
// an independent recursion over plain numbers.
import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import type { Batch } from "../../src/core/batch.ts";
import * as tf from "../../src/core/tf.ts";
import {
  futureSelfTraining,
  type LookAhead,
} from "../../src/methods/future_self_training.ts";
import { createScratchSets, releaseScratchSets } from "../../src/methods/scratch_sets.ts";
import { type Recipe, releaseLosses } from "../../src/methods/learner.ts";
import { lerp } from "../../src/ops/in_place/in_place.ts";
import { PAPER, startLearner, tinyParameter } from "./tiny_learner.ts";

const NAME = "weight";
const BUFFER = "running";
const parameters = [tinyParameter(NAME), tinyParameter(BUFFER, false)];

const PUBLISHED: LookAhead = {
  ...PAPER,
  optimizerState: "carry",
  buffers: "carry",
  emaStep: "forward",
  firstIteration: "plain",
};

interface Trace {
  /** The student and the batch of every forward pass. */
  readonly forwardPasses: { student: number; batch: number }[];
  readonly learner: { student: number; teacher: number; buffer: number; steps: number };
  readonly forwardCount: number;
}

async function number(tensor: tf.Tensor | undefined): Promise<number> {
  assert.ok(tensor);
  return (await readBack(tensor))[0] ?? NaN;
}

/** Each step moves the weight by the number of steps in its moments. */
async function run(lookAhead: LookAhead, iterations: number): Promise<Trace> {
  await openBackend("wasm");
  const allWeights = () =>
    new Map([[NAME, tf.tensor1d([0])], [BUFFER, tf.tensor1d([0])]]);
  const trainableWeights = () => new Map([[NAME, tf.tensor1d([0])]]);
  const learner = startLearner(allWeights, trainableWeights);
  const scratch = createScratchSets(learner, lookAhead);
  const forwardPasses: Promise<{ student: number; batch: number }>[] = [];
  const recipe: Recipe = {
    parameters,
    forwardBackward(student, _teacher, batch) {
      const value = tf.clone(student.get(NAME) ?? assert.fail());
      forwardPasses.push(
        number(value).then((student) => ({ student, batch: batch.host.batchSize })),
      );
      value.dispose();
      const running = student.get(BUFFER) ?? assert.fail();
      tf.tidy(() => lerp(running, tf.add(running, 1), 0));
      return {
        gradient: trainableWeights(),
        losses: new Map([["loss", tf.scalar(1)]]),
      };
    },
    clearCache() {},
    optimizerStep(weights, moments) {
      moments.steps++;
      const value = weights.get(NAME) ?? assert.fail();
      tf.tidy(() => lerp(value, tf.add(value, moments.steps), 0));
    },
  };
  const before = tf.memory().numTensors;
  for (let t = 0; t < iterations; t++) {
    const batches = Array.from({ length: 1 + lookAhead.width }, (_, i) => {
      return { host: { batchSize: i } } as Batch; // no other member is read
    });
    const losses = futureSelfTraining({
      ...{ learner, scratch, lookAhead, recipe },
      batches,
      iteration: t,
    });
    releaseLosses(losses);
  }
  assert.equal(tf.memory().numTensors, before, "an iteration keeps no tensor");
  const trace = {
    forwardPasses: await Promise.all(forwardPasses),
    learner: {
      student: await number(learner.student.get(NAME)),
      teacher: await number(learner.teacher?.get(NAME)),
      buffer: await number(learner.student.get(BUFFER)),
      steps: learner.moments.steps,
    },
    forwardCount: learner.forwardCount,
  };
  releaseScratchSets(scratch);
  return trace;
}

const decayAt = (count: number, emaDecay = 0.999) =>
  Math.min(1 - 1 / (count + 1), emaDecay);
const ema = (teacher: number, student: number, decay: number) =>
  decay * teacher + (1 - decay) * student;
const assertNear = (a: number, b: number) =>
  assert.ok(Math.abs(a - b) < 1e-5, `${a} is not ${b}`);

Deno.test("futureSelfTraining() with depth 0 is plain self-training", async () => {
  const { forwardPasses, learner, forwardCount } = await run({ ...PAPER, depth: 0 }, 3);
  assert.deepEqual(forwardPasses.map(({ student }) => student), [0, 1, 3]);
  let teacher = 0;
  [0, 1, 3].forEach((student, t) => teacher = ema(teacher, student, decayAt(t)));
  assertNear(learner.teacher, teacher);
  assert.deepEqual([learner.student, forwardCount], [6, 3]);
});

Deno.test("futureSelfTraining() with depth 3 as in the paper restores moments and buffers", async () => {
  const { learner, forwardCount, forwardPasses } = await run(PAPER, 2);
  // Virtual steps from 0 by 1 and 2, the real one at 0; then from 1 by 2 and 3, and at 1.
  assert.deepEqual(forwardPasses.map(({ student }) => student), [0, 1, 3, 0, 1, 3, 6, 1]);
  assert.deepEqual(learner.steps, 2);
  assert.equal(learner.student, 3);
  assert.equal(learner.buffer, 2, "only real steps update buffers");
  assert.equal(forwardCount, 8);
});

Deno.test("futureSelfTraining() with the published depth 3 equals the published code", async () => {
  const { learner, forwardCount } = await run(PUBLISHED, 3);
  // Forward passes and optimizer steps after iteration t: 1 + (K + 1)·t.
  assert.equal(forwardCount, 9);
  assert.equal(learner.steps, 9);
  assert.equal(learner.buffer, 9, "look-ahead steps update buffers, too");
  let [teacher, student, steps, n] = [0, 0, 0, 0];
  const decays: number[] = [];
  const updateTeacher = (value: number) => {
    decays.push(decayAt(n));
    teacher = ema(teacher, value, decayAt(n));
  };
  student += ++steps;
  n++;
  updateTeacher(student);
  for (let t = 1; t < 3; t++) {
    let future = student;
    updateTeacher(future);
    for (let k = 0; k < 3; k++) {
      future += ++steps;
      n++;
      updateTeacher(future);
    }
    student += ++steps;
    n++;
  }
  const expected = [0.5, 0.5, 0.6667, 0.75, 0.8, 0.8333, 0.8571, 0.875, 0.8889];
  decays.forEach((value, i) =>
    assertNear(Math.round(value * 1e4) / 1e4, expected[i] ?? NaN)
  );
  assertNear(learner.teacher, teacher);
  assertNear(learner.student, student);
});

Deno.test("futureSelfTraining() with the published width 3 averages over other batches", async () => {
  const lookAhead = {
    ...PUBLISHED,
    depth: 1,
    width: 3,
    emaTiming: "after",
  } as const;
  const { learner, forwardCount, forwardPasses } = await run(lookAhead, 2);
  assert.deepEqual(forwardPasses.map(({ batch }) => batch), [0, 1, 2, 3, 0]);
  assert.equal(forwardCount, 5);
  // θ₁ = 1; futures with chained moments end at 1 + 2, 1 + 3, 1 + 4: their mean is 4.
  let teacher = ema(0, 1, decayAt(1));
  teacher = ema(teacher, 4, decayAt(4));
  teacher = ema(teacher, 1 + 5, decayAt(5));
  assertNear(learner.teacher, teacher);
  assertNear(learner.student, 6);
});

Deno.test("futureSelfTraining() with width as in the paper starts from the same moments", async () => {
  const { learner, forwardPasses } = await run({ ...PAPER, depth: 2, width: 2 }, 1);
  // Depth 1: both futures reach 1; depth 2 from their mean 1 with one more step: 3 each.
  assert.deepEqual(forwardPasses.map(({ student }) => student), [0, 0, 1, 1, 0]);
  assert.deepEqual(forwardPasses.map(({ batch }) => batch), [1, 2, 1, 2, 0]);
  assertNear(learner.teacher, 3); // decay 0 at iteration 0: a copy of the last mean
  assert.deepEqual([learner.student, learner.steps], [1, 1]);
});

Deno.test("futureSelfTraining() with width rejects too few batches", async () => {
  await openBackend("wasm");
  const weights = () => new Map([[NAME, tf.tensor1d([0])]]);
  const learner = startLearner(weights, weights);
  const lookAhead = { ...PAPER, depth: 1, width: 2 };
  const scratch = createScratchSets(learner, lookAhead);
  const recipe = {
    parameters,
    forwardBackward: () => assert.fail(),
    clearCache() {},
    optimizerStep() {},
  };
  assert.throws(
    () =>
      futureSelfTraining({
        ...{ learner, scratch, lookAhead, recipe },
        batches: [{} as Batch],
        iteration: 0,
      }),
    {
      message:
        "Cannot look ahead with width 2: 0 batches besides the real one were given",
    },
  );
});
