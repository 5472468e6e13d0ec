/** The first iterations of published configurations, in memory. @module */
import assert from "node:assert/strict";
import type { RunConfig } from "../../src/config/schema.ts";
import { hasSecondMoment } from "../../src/config/optimizer.ts";
import { readBack } from "../../src/core/backend.ts";
import { type Batch, releaseBatch } from "../../src/core/batch.ts";
import {
  cloneWeights,
  initializeWeights,
  releaseWeights,
} from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { type Learner, type Losses, releaseLosses } from "../../src/methods/learner.ts";
import { classesOf } from "../../src/prepare/data_specs.ts";
import { buildMethod, type TrainingMethod } from "../../src/train/build_method.ts";
import { createLearner } from "../../src/train/learner_checkpoint.ts";
import { lossStateParameters } from "../../src/train/objectives.ts";

/** How to take a step. */
export interface Steps {
  readonly batchAt: (i: number) => Batch;
  readonly run: (
    ...[method, learner, batches, t]: [TrainingMethod, Learner, Batch[], number]
  ) => Losses | Promise<Losses>;
  /** The losses that must be finite. */
  readonly lossNames: (losses: Losses) => Iterable<string>;
}

/** Takes iterations 0 and 1 from weights of seed 1, and asserts that losses are finite. */
export async function takeTwoSteps(
  config: RunConfig,
  { batchAt, run, lossNames }: Steps,
): Promise<void> {
  const classes = classesOf(config.data);
  const network = buildNetwork(config.model, classes.length);
  const { parameters, encoder } = network;
  const student = initializeWeights(parameters, 1);
  const learner = createLearner(
    parameters,
    student,
    true,
    hasSecondMoment(config.optimizer),
    lossStateParameters(config, network),
  );
  const encoderNames = new Set(encoder.parameters.map(({ name }) => name));
  const frozenEncoder = cloneWeights(
    new Map([...student].filter(([name]) => encoderNames.has(name))),
  );
  const method = buildMethod({ config, classes, network, learner, frozenEncoder });
  for (const t of [0, 1]) {
    const count = method.batchesPerIteration;
    const batches = Array.from({ length: count }, (_, i) => batchAt(i));
    const losses = await run(method, learner, batches, t);
    for (const name of lossNames(losses)) {
      const [loss = NaN] = await readBack(losses.get(name) ?? assert.fail(name));
      assert.ok(Number.isFinite(loss), `${name} is ${loss}`);
    }
    releaseLosses(losses);
    batches.forEach(releaseBatch);
  }
  method.release();
  const { teacher, moments, lossState = null } = learner;
  const sets = [
    student,
    teacher,
    frozenEncoder,
    moments.first,
    moments.second,
    lossState,
  ];
  for (const set of sets) if (set !== null) releaseWeights(set);
}
