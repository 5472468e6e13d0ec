// What is clipped in a run: the whole gradient of a step, and every step.
import assert from "node:assert/strict";
import type { RunConfig } from "../../src/config/schema.ts";
import { openBackend, readBack } from "../../src/core/backend.ts";
import type { Network } from "../../src/core/network.ts";
import { uploadBatch } from "../../src/core/batch.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights } from "../../src/core/weights.ts";
import { openLoader } from "../../src/data/loader.ts";
import { convolution } from "../../src/layers/convolution.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import { trainingLoaderSpec } from "../../src/prepare/data_specs.ts";
import { buildMethod } from "../../src/train/build_method.ts";
import { createLearner } from "../../src/train/learner_checkpoint.ts";
import { createLossBuffer } from "../../src/train/loss_buffer.ts";
import { tinyConfig } from "../support/commands.ts";

const SGD = "name: sgd, learningRate: 0.01, momentum: 0, weightDecay: 0, " +
  "headLrMultiplier: 1, power: 0";

/** Without batch norm, of which micro-batches have their own, and without dropout. */
function smallNetwork(classCount: number): Network {
  const stem = convolution("stem", 3, 8, { kernelSize: 4, stride: 4 });
  const classify = convolution("head", 8, classCount, { kernelSize: 1 });
  return encoderDecoder(
    {
      parameters: stem.parameters,
      strides: [4],
      channels: [8],
      apply: (weights, images, context) => [
        tf.tanh(stem.apply(weights, images, context)),
      ],
    },
    {
      parameters: classify.parameters,
      apply: (weights, [map = assert.fail()], context) =>
        classify.apply(weights, map, context),
    },
    classCount,
  );
}

/** One iteration: how far the student moves, the norm in the log, and the weights. */
async function moved(config: RunConfig) {
  await openBackend("wasm");
  const loader = await openLoader(trainingLoaderSpec(config, null));
  const network = smallNetwork(loader.classes.length);
  const { parameters } = network;
  const student = initializeWeights(parameters, 1);
  const learner = createLearner(parameters, student, true, false);
  const classes = loader.classes;
  const method = buildMethod({ config, classes, network, learner, frozenEncoder: null });
  const before = await Promise.all([...student.values()].map(readBack));
  const losses = method.runIteration(learner, [uploadBatch(await loader.batch(1, 0))], 1);
  const after = await Promise.all([...student.values()].map(readBack));
  await loader.close();
  const teacher = [...learner.teacher?.values() ?? []];
  const norm = losses.get("gradientNorm");
  return {
    distance: Math.hypot(
      ...after.flatMap((one, k) =>
        [...one].map((value, i) => Number(value) - Number(before[k]?.[i]))
      ),
    ),
    norm: norm === undefined ? null : (await readBack(norm))[0] ?? NaN,
    weights: after.flatMap((one) => [...one].map(Number)),
    teacher: (await Promise.all(teacher.map(readBack))).flatMap((one) => [...one]),
  };
}

const configOf = (method: string, clip: number | null, ...more: string[]) =>
  tinyConfig(
    ...[`method=${method}`, "data.batchSize=2"],
    `optimizer={${SGD}, clipGradientNorm: ${clip}}`,
    ...more,
  );

Deno.test("clipGradientNorm bounds a step by the learning rate, accumulated or not [wasm]", async () => {
  const method = "{name: source-only}";
  const free = await moved(configOf(method, null));
  const length = free.distance / 0.01;
  const clip = length / 4;
  const whole = await moved(configOf(method, clip));
  assert.ok(Math.abs((whole.norm ?? NaN) - length) < 1e-4 * length, `${whole.norm}`);
  assert.ok(Math.abs(whole.distance - free.distance / 4) < 1e-4 * free.distance);
  const parts = await moved(configOf(method, clip, "optimizer.accumulationSteps=2"));
  assert.ok(Math.abs((parts.norm ?? NaN) - length) < 1e-4 * length, `${parts.norm}`);
  const largest = Math.max(
    ...parts.weights.map((value, i) => Math.abs(value - (whole.weights[i] ?? NaN))),
  );
  assert.ok(largest < 1e-6, `${largest}`);
  assert.equal((await moved(configOf(method, 10 * length))).distance, free.distance);
});

Deno.test("clipGradientNorm clips virtual steps as the real one [wasm]", async () => {
  const method = "{name: self-training, teacher: {emaDecay: 0.5}, lookAhead: {depth: 1}}";
  const far = await moved(configOf(method, null));
  const near = await moved(configOf(method, 1e-6));
  // The teacher follows the future student, which has not moved.
  assert.ok(near.distance < 1e-7, `${near.distance}`);
  const start = await moved(configOf(method, null, "optimizer.learningRate=1e-12"));
  const difference = ({ teacher }: typeof far) =>
    Math.max(...teacher.map((value, i) => Math.abs(value - (start.teacher[i] ?? NaN))));
  assert.ok(difference(near) < 1e-7 && difference(far) > 1e-4);
});

Deno.test("a norm that is not finite ends the run, and is named", async () => {
  await openBackend("wasm");
  const buffer = createLossBuffer(3);
  buffer.add(4, ["a.png"], new Map([["gradientNorm", tf.scalar(Infinity)]]));
  await assert.rejects(() => buffer.read(), {
    name: "LossNotFiniteError",
    message:
      "Cannot go on: the gradient's norm is Infinity at iteration 5 with seed 3 on " +
      'a.png; lower "optimizer.learningRate" or check these files',
  });
});
