// The phases of a run with few labels: labels alone, a teacher that is the student, and a
// teacher of its own.
import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import type { Weights } from "../../src/core/network.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { openLoader } from "../../src/data/loader.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { trainingLoaderSpec } from "../../src/prepare/data_specs.ts";
import { createLearner } from "../../src/train/learner_checkpoint.ts";
import { buildMethod } from "../../src/train/build_method.ts";
import { releaseLosses } from "../../src/methods/learner.ts";
import { tinyConfig } from "../support/commands.ts";

interface After {
  /** Names of the losses. */
  readonly losses: string[];
  readonly evaluations: number;
  /** Whether trained values are those of the start, and those of the other network. */
  readonly teacherIsFresh: boolean;
  readonly teacherIsStudent: boolean;
  /** Batches that batch norm has counted. */
  readonly counted: { readonly student: number; readonly teacher: number };
}

async function run(method: string, iterations: number): Promise<After[]> {
  await openBackend("wasm");
  const config = tinyConfig(
    `method=${method}`,
    "data.batchSize=2",
    "iterations=10", // at the end of a run nothing moves
    "optimizer={name: sgd, learningRate: 0.01}",
    "model.encoder={name: resnet, depths: [1, 1, 1, 1], stemChannels: 4, baseChannels: 4}",
    "model.decoder={name: deeplabv2, dilations: [1]}",
  );
  const loader = await openLoader(trainingLoaderSpec(config, null));
  const network = buildNetwork(config.model, loader.classes.length);
  const { parameters } = network;
  const student = initializeWeights(parameters, 1);
  const learner = createLearner(parameters, student, true, false);
  const teacher = learner.teacher ?? assert.fail();
  const trained = async (weights: Weights): Promise<number[]> => {
    const values: number[] = [];
    for (const { name, trainable } of parameters) {
      if (trainable) values.push(...await readBack(weights.get(name) ?? assert.fail()));
    }
    return values;
  };
  const counter = parameters.find(({ layout }) => layout === "counter")?.name ?? "";
  const count = async (weights: Weights) =>
    (await readBack(weights.get(counter) ?? assert.fail()))[0] ?? NaN;
  const equal = (a: number[], b: number[]) => a.every((value, i) => value === b[i]);

  const fresh = await trained(student);
  const steps = buildMethod({
    ...{ config, network, learner },
    classes: loader.classes,
    frozenEncoder: null,
  });
  const all: After[] = [];
  for (let t = 0; t < iterations; t++) {
    const batch = uploadBatch(await loader.batch(t));
    const losses = await steps.runIterationAsync(learner, [batch], t);
    const now = { student: await trained(student), teacher: await trained(teacher) };
    all.push({
      losses: [...losses.keys()],
      evaluations: learner.forwardCount,
      teacherIsFresh: equal(now.teacher, fresh),
      teacherIsStudent: equal(now.teacher, now.student),
      counted: { student: await count(student), teacher: await count(teacher) },
    });
    releaseLosses(losses);
    releaseBatch(batch);
  }
  steps.release();
  [student, teacher, learner.moments.first].forEach(releaseWeights);
  await loader.close();
  return all;
}

const TAUGHT = ["supervised", "unsupervised", "keptShare"];

Deno.test("a teacher starts as the student of iterations with labels alone [wasm]", async () => {
  const after = await run(
    "{name: mean-teacher, supervisedOnlyIterations: 2, lookAhead: {depth: 2}}",
    4,
  );
  assert.deepEqual(after, [
    {
      losses: ["supervised"],
      evaluations: 1,
      teacherIsFresh: true,
      teacherIsStudent: false,
      counted: { student: 1, teacher: 0 },
    },
    {
      losses: ["supervised"],
      evaluations: 2,
      teacherIsFresh: true,
      teacherIsStudent: false,
      counted: { student: 2, teacher: 0 },
    },
    {
      losses: TAUGHT,
      evaluations: 5,
      teacherIsFresh: false,
      teacherIsStudent: true, // its momentum is 0 yet
      counted: { student: 3, teacher: 2 + 3 },
    },
    {
      losses: TAUGHT,
      evaluations: 8,
      teacherIsFresh: false,
      teacherIsStudent: false,
      counted: { student: 4, teacher: 2 + 6 },
    },
  ]);
});

Deno.test("a shared teacher is the student, and none of its own before [wasm]", async () => {
  const after = await run(
    "{name: mean-teacher, teacher: {copyIterations: 3}, lookAhead: {depth: 1}}",
    4,
  );
  const shared = after.map(({ teacherIsStudent }) => teacherIsStudent);
  assert.deepEqual(shared, [true, true, true, false]);
});

Deno.test("averaged statistics have the student's counters, which are whole [wasm]", async () => {
  const after = await run(
    "{name: weak-to-strong, featurePerturbationWeight: 0, " +
      "teacher: {copyIterations: 2, buffers: average}}",
    4,
  );
  const shared = after.map(({ teacherIsStudent }) => teacherIsStudent);
  assert.deepEqual(shared, [true, true, false, false]);
  assert.deepEqual(after.map(({ counted }) => counted), [
    { student: 2, teacher: 2 },
    { student: 4, teacher: 4 },
    { student: 6, teacher: 6 },
    { student: 8, teacher: 8 },
  ]);
});

Deno.test("the log says how deep an adaptive look-ahead went [wasm]", async () => {
  const method = (agreement: number) =>
    "{name: weak-to-strong, confidenceThreshold: 0, supervisedOnlyIterations: 1, " +
    `lookAhead: {depth: 3, agreement: ${agreement}}}`;
  const deep = await run(method(1), 3);
  assert.deepEqual(deep.map(({ evaluations }) => evaluations), [1, 5, 9]);
  const shallow = await run(method(1e-6), 3);
  assert.deepEqual(shallow.map(({ evaluations }) => evaluations), [1, 3, 5]);
  for (const { losses } of [...deep, ...shallow].filter((_, i) => i % 3 > 0)) {
    assert.ok(losses.includes("depth") && losses.includes("meanDepth"));
  }
});
