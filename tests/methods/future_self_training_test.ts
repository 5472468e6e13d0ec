// The method on a network of one number: a step adds the rate, and the teacher is what an
// independent recursion over plain numbers says.
import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import type { Batch } from "../../src/core/batch.ts";
import type { Parameter } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import {
  futureSelfTraining,
  futureSlots,
  type LookAhead,
  releaseSlots,
} from "../../src/methods/future_self_training.ts";
import { type Learner, releaseLosses } from "../../src/methods/learner.ts";
import { blend } from "../../src/ops/in_place.ts";

const NAME = "weight";
const BUFFER = "running";
const parameter = (name: string, trained: boolean): Parameter => ({
  name,
  shape: [1],
  layout: "plain",
  initial: { kind: "constant", value: 0 },
  trained,
});
const parameters = [parameter(NAME, true), parameter(BUFFER, false)];

const PAPER: LookAhead = {
  depth: 3,
  width: 1,
  momentum: 0.999,
  optimizerState: "restore",
  buffers: "restore",
  teacherClock: "iteration",
  presentStudent: "before",
  firstIteration: "lookahead",
};
const PUBLISHED: LookAhead = {
  ...PAPER,
  optimizerState: "carry",
  buffers: "carry",
  teacherClock: "forward",
  firstIteration: "plain",
};

interface Trace {
  /** Value of the student whenever a loss was evaluated, and which batch. */
  readonly evaluated: { student: number; batch: number }[];
  readonly learner: { student: number; teacher: number; buffer: number; steps: number };
  readonly evaluations: number;
}

async function number(tensor: tf.Tensor | undefined): Promise<number> {
  assert.ok(tensor);
  return (await readBack(tensor))[0] ?? NaN;
}

/** Each step moves a weight by 1 plus the steps its moments have seen. */
async function run(lookAhead: LookAhead, iterations: number): Promise<Trace> {
  await openBackend("wasm");
  const set = () => new Map([[NAME, tf.tensor1d([0])], [BUFFER, tf.tensor1d([0])]]);
  const one = () => new Map([[NAME, tf.tensor1d([0])]]);
  const learner: Learner = {
    student: set(),
    teacher: set(),
    moments: { steps: 0, first: one(), second: one() },
    evaluations: 0,
  };
  const slots = futureSlots(learner, lookAhead);
  const evaluated: Promise<{ student: number; batch: number }>[] = [];
  const before = tf.memory().numTensors;
  for (let t = 0; t < iterations; t++) {
    const batches = Array.from({ length: 1 + lookAhead.width }, (_, i) => {
      return { host: { batch: i } } as Batch; // the fake evaluation reads nothing else
    });
    const losses = futureSelfTraining(learner, slots, batches, t, lookAhead, {
      parameters,
      evaluate(student, _teacher, batch) {
        const seen = tf.clone(student.get(NAME) ?? assert.fail());
        evaluated.push(
          number(seen).then((value) => ({ student: value, batch: batch.host.batch })),
        );
        seen.dispose();
        const running = student.get(BUFFER) ?? assert.fail();
        tf.tidy(() => blend(running, tf.add(running, 1), 0));
        return { gradient: one(), losses: new Map([["loss", tf.scalar(1)]]) };
      },
      forget() {},
      descend(weights, moments) {
        moments.steps++;
        const value = weights.get(NAME) ?? assert.fail();
        tf.tidy(() => blend(value, tf.add(value, moments.steps), 0));
      },
    });
    releaseLosses(losses);
  }
  assert.equal(tf.memory().numTensors, before, "an iteration keeps no tensor");
  const trace = {
    evaluated: await Promise.all(evaluated),
    learner: {
      student: await number(learner.student.get(NAME)),
      teacher: await number(learner.teacher?.get(NAME)),
      buffer: await number(learner.student.get(BUFFER)),
      steps: learner.moments.steps,
    },
    evaluations: learner.evaluations,
  };
  releaseSlots(slots);
  return trace;
}

const warm = (count: number, momentum = 0.999) => Math.min(1 - 1 / (count + 1), momentum);
const ema = (teacher: number, student: number, keep: number) =>
  keep * teacher + (1 - keep) * student;
const near = (a: number, b: number) =>
  assert.ok(Math.abs(a - b) < 1e-5, `${a} is not ${b}`);

Deno.test("depth 0 is plain self-training: one evaluation, one update of the teacher", async () => {
  const { evaluated, learner, evaluations } = await run({ ...PAPER, depth: 0 }, 3);
  assert.deepEqual(evaluated.map(({ student }) => student), [0, 1, 3]);
  let teacher = 0;
  [0, 1, 3].forEach((student, t) => teacher = ema(teacher, student, warm(t)));
  near(learner.teacher, teacher);
  assert.deepEqual([learner.student, evaluations], [6, 3]);
});

Deno.test("depth 3 as in the paper leaves the student's moments and buffers alone", async () => {
  const { learner, evaluations, evaluated } = await run(PAPER, 2);
  // Virtual steps from 0 by 1 and 2, the real one at 0; then from 1 by 2 and 3, and at 1.
  assert.deepEqual(evaluated.map(({ student }) => student), [0, 1, 3, 0, 1, 3, 6, 1]);
  assert.deepEqual(learner.steps, 2);
  assert.equal(learner.student, 3);
  assert.equal(learner.buffer, 2, "only real evaluations count");
  assert.equal(evaluations, 8);
});

Deno.test("the published depth 3 counts evaluations: its momenta are those of the code", async () => {
  const { learner, evaluations } = await run(PUBLISHED, 3);
  // Counter after iteration t: 1 + (K + 1)·t; the optimizer's likewise.
  assert.equal(evaluations, 9);
  assert.equal(learner.steps, 9);
  assert.equal(learner.buffer, 9, "virtual evaluations count, too");
  let [teacher, student, steps, n] = [0, 0, 0, 0];
  const momenta: number[] = [];
  const enter = (value: number) => {
    momenta.push(warm(n));
    teacher = ema(teacher, value, warm(n));
  };
  student += ++steps;
  n++;
  enter(student);
  for (let t = 1; t < 3; t++) {
    let future = student;
    enter(future);
    for (let k = 0; k < 3; k++) {
      future += ++steps;
      n++;
      enter(future);
    }
    student += ++steps;
    n++;
  }
  const expected = [0.5, 0.5, 0.6667, 0.75, 0.8, 0.8333, 0.8571, 0.875, 0.8889];
  momenta.forEach((value, i) => near(Math.round(value * 1e4) / 1e4, expected[i] ?? NaN));
  near(learner.teacher, teacher);
  near(learner.student, student);
});

Deno.test("the published width 3 averages futures of other batches and enters twice", async () => {
  const lookAhead = {
    ...PUBLISHED,
    depth: 1,
    width: 3,
    presentStudent: "after",
  } as const;
  const { learner, evaluations, evaluated } = await run(lookAhead, 2);
  assert.deepEqual(evaluated.map(({ batch }) => batch), [0, 1, 2, 3, 0]);
  assert.equal(evaluations, 5);
  // θ₁ = 1; futures with chained moments end at 1 + 2, 1 + 3, 1 + 4: their mean is 4.
  let teacher = ema(0, 1, warm(1));
  teacher = ema(teacher, 4, warm(4));
  teacher = ema(teacher, 1 + 5, warm(5));
  near(learner.teacher, teacher);
  near(learner.student, 6);
});

Deno.test("width in the paper's mode starts every future from the same moments", async () => {
  const { learner, evaluated } = await run({ ...PAPER, depth: 2, width: 2 }, 1);
  // Depth 1: both futures reach 1; depth 2 from their mean 1 with one more step: 3 each.
  assert.deepEqual(evaluated.map(({ student }) => student), [0, 0, 1, 1, 0]);
  assert.deepEqual(evaluated.map(({ batch }) => batch), [1, 2, 1, 2, 0]);
  near(learner.teacher, 3); // momentum 0 at iteration 0: a copy of the last mean
  assert.deepEqual([learner.student, learner.steps], [1, 1]);
});

Deno.test("width without enough batches says so", async () => {
  await openBackend("wasm");
  const set = () => new Map([[NAME, tf.tensor1d([0])]]);
  const learner: Learner = {
    student: set(),
    teacher: set(),
    moments: { steps: 0, first: set(), second: set() },
    evaluations: 0,
  };
  const lookAhead = { ...PAPER, depth: 1, width: 2 };
  const slots = futureSlots(learner, lookAhead);
  const recipe = { parameters, evaluate: () => assert.fail(), forget() {}, descend() {} };
  assert.throws(
    () => futureSelfTraining(learner, slots, [{} as Batch], 0, lookAhead, recipe),
    { message: "Cannot look 2 futures wide: 0 batches besides the real one were given" },
  );
});
