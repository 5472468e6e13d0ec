// What a run does where a GPU fails.
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseConfig } from "../../src/config/read.ts";
import * as tf from "../../src/core/tf.ts";
import { lerp } from "../../src/ops/in_place/in_place.ts";
import { openTrainingSession } from "../../src/train/training_session.ts";
import { webGpuBackend } from "../../src/gpu/tfjs_webgpu.ts";
import { type Observer, train } from "../../src/train/train.ts";
import { loadCheckpoint } from "../../src/weights/checkpoint_file.ts";
import { inFolder } from "../support/files.ts";
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
      classStatistics: () => Promise.reject(new Error("not needed")),
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

onWebGpu(
  "train() says that the GPU was lost, and spares the last checkpoint",
  () =>
    inFolder(async (folder) => {
      const config = parseConfig(
        tinyRun(4, "{ name: source-only, teacher: { emaDecay: 0.9 } }"),
        "x",
      );
      const out = join(folder, "run");
      const observer: Observer = {
        iteration({ iteration }) {
          if (iteration === 2) webGpuBackend().device.destroy();
        },
      };
      await assert.rejects(
        train(config, { out, backend: "webgpu", observer }),
        /^Error: Cannot continue: the GPU was lost .*goes on from its last checkpoint$/,
      );
      const { metadata } = await loadCheckpoint(join(out, "last.safetensors"));
      assert.equal(metadata.iteration, 1);
      const rest = await train(config, { out, backend: "webgpu" });
      assert.equal(rest.status, "finished");
    }),
);
