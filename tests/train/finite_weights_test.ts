import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/read.ts";
import * as tf from "../../src/core/tf.ts";
import { lerp } from "../../src/ops/in_place/in_place.ts";
import { openTrainingSession } from "../../src/train/training_session.ts";
import { onWebGpu } from "../support/mod.ts";
import { tinyRun } from "../support/tiny_run.ts";

const CLASSES = ["road", "sky"].map((name) => ({ name, color: [0, 0, 0] as const }));

onWebGpu(
  "TrainingSession.assertFinite() names a weight that lost its value",
  async () => {
    const config = parseConfig(
      tinyRun(2, "{ name: self-training, lookAhead: null }"),
      "x",
    );
    const session = await openTrainingSession(config, CLASSES, {
      checkpoint: null,
      runPath: "x",
      data: {},
      engine: { name: "WebGPU", version: null, instructionSet: null, threads: 1 },
    });
    await session.assertFinite();
    const [name, weight] = [...session.learner.student][0] ?? assert.fail();
    const wrong = tf.fill(weight.shape, NaN);
    lerp(weight, wrong, 0);
    await assert.rejects(session.assertFinite(), {
      name: "LossNotFiniteError",
      message: new RegExp(
        `^Cannot go on: the weight ".*${name}" holds NaN after iteration`,
      ),
    });
    wrong.dispose();
    session.release();
  },
);
