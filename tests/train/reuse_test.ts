// Whole runs with and without reuse, feature distance on: fewer passes, the same bits.
import assert from "node:assert/strict";
import type { RunConfig } from "../../src/config/schema.ts";
import { openBackend, readBack } from "../../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import type { Network } from "../../src/core/network.ts";
import {
  cloneWeights,
  initializeWeights,
  releaseWeights,
  zeroMoments,
} from "../../src/core/weights.ts";
import * as tf from "../../src/core/tf.ts";
import { openLoader } from "../../src/data/loader.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { assertSameRun } from "../../src/train/run_folder.ts";
import { trainingLoaderSpec } from "../../src/prepare/data_specs.ts";
import { buildMethod } from "../../src/train/build_method.ts";
import type { Learner } from "../../src/methods/learner.ts";
import { tinyConfig } from "../support/commands.ts";
import { onEachBackend } from "../support/mod.ts";

const ITERATIONS = 5;

const MIT = "{name: mit, embedDims: [4, 4, 8, 8], depths: [1, 1, 1, 2], " +
  "numHeads: [1, 1, 1, 1], srRatios: [8, 4, 2, 1], dropPathRate: 0.1}";
const MODELS = {
  resnet:
    "{encoder: {name: resnet, depths: [1, 1, 1, 1], stemChannels: 4, baseChannels: 4}, " +
    "decoder: {name: deeplabv2, dilations: [1, 2]}, pretrained: random}",
  mit:
    `{encoder: ${MIT}, decoder: {name: segformer, channels: 8, dropout: 0.1}, pretrained: random}`,
};
const PUBLISHED = "optimizerState: carry, buffers: carry, emaStep: forward, " +
  "firstIteration: plain, ";

const configOf = (model: string, switches: string, more: string): RunConfig =>
  tinyConfig(
    `model=${model}`,
    `method={name: self-training, lookAhead: {${switches}${more}}, ` +
      "teacher: {emaDecay: 0.9}, pseudoLabel: {threshold: 0.2}, " +
      "featureDistance: {lossWeight: 0.5, classes: [0, 1, 2], scaleMinRatio: 0.3}}",
  );

interface Outcome {
  /** Weights, moments and losses, in bits. */
  readonly bits: Float32Array[];
  /** Passes of the network in the last iteration, and of its frozen encoder. */
  readonly passes: number;
  readonly frozenPasses: number;
}

async function run(config: RunConfig): Promise<Outcome> {
  const loader = await openLoader(trainingLoaderSpec(config, null));
  const own = buildNetwork(config.model, loader.classes.length);
  const { parameters } = own;
  const frozen = initializeWeights(own.encoder.parameters, 7);
  let [passes, frozenPasses] = [0, 0];
  const network: Network = {
    ...own,
    encoder: {
      ...own.encoder,
      apply(weights, images, context) {
        if (weights === frozen) frozenPasses++;
        return own.encoder.apply(weights, images, context);
      },
    },
    forward(weights, images, context) {
      passes++;
      return own.forward(weights, images, context);
    },
  };
  const student = initializeWeights(parameters, 1);
  const learner: Learner = {
    student,
    teacher: cloneWeights(student),
    moments: {
      steps: 0,
      first: zeroMoments(parameters),
      second: zeroMoments(parameters),
    },
    forwardCount: 0,
  };
  const { classes } = loader;
  const method = buildMethod({
    ...{ config, classes, network, learner },
    frozenEncoder: frozen,
  });
  const losses: tf.Tensor[] = [];
  const alive: number[] = [];
  for (let t = 0; t < ITERATIONS; t++) {
    [passes, frozenPasses] = [0, 0];
    const batch = uploadBatch(await loader.batch(t, 0));
    losses.push(...method.runIteration(learner, [batch], t).values());
    releaseBatch(batch);
    alive.push(tf.memory().numTensors - losses.length);
  }
  assert.deepEqual(alive, alive.map(() => alive[0]), `live tensors: ${alive}`);
  const sets = [
    student,
    learner.teacher ?? assert.fail(),
    learner.moments.first,
    learner.moments.second,
  ];
  const all = [...sets.flatMap((set) => [...set.values()]), ...losses];
  const bits = await Promise.all(
    all.map(async (one) => Float32Array.from(await readBack(one))),
  );
  assert.ok(bits.every((values) => values.every(Number.isFinite)));
  method.release();
  [...sets, frozen].forEach(releaseWeights);
  tf.dispose(losses);
  await loader.close();
  return { bits, passes, frozenPasses };
}

/** Per iteration of depth K: the teacher's passes, and the student's over mixed images. */
const unshared = (depth: number) => 2 * (depth + 1);

/** A software driver is slow. */
const depthOn = (backend: string) => backend === "webgpu" ? 1 : 2;

async function assertSame(model: string, switches: string, depth: number) {
  const ahead = `depth: ${depth}, ${switches}`;
  const reused = await run(configOf(model, ahead, "reuse: true"));
  const without = await run(configOf(model, ahead, "reuse: false"));
  assert.deepEqual(reused.bits, without.bits);
  const all = depth + 1;
  assert.deepEqual([without.passes, without.frozenPasses], [unshared(depth) + all, all]);
  const seen = model === MODELS.resnet ? all - 1 : all; // MiT drops paths
  assert.deepEqual([reused.passes, reused.frozenPasses], [unshared(depth) + seen, 1]);
}

onEachBackend(
  "resnet learns the same with reuse, as published",
  (backend) => assertSame(MODELS.resnet, PUBLISHED, depthOn(backend)),
);

onEachBackend(
  "mit learns the same with reuse, as in the paper",
  (backend) => assertSame(MODELS.mit, "", depthOn(backend)),
);

Deno.test("resnet learns the same with reuse, as in the paper [wasm]", async () => {
  await openBackend("wasm");
  await assertSame(MODELS.resnet, "", 2);
});

Deno.test("mit learns the same with reuse, as published [wasm]", async () => {
  await openBackend("wasm");
  await assertSame(MODELS.mit, PUBLISHED, 2);
});

Deno.test("mit that shares its draws learns the same with reuse [wasm]", async () => {
  await openBackend("wasm");
  const share = (reuse: boolean) =>
    run(configOf(MODELS.mit, "depth: 2, ", `reuse: ${reuse}, shareDropout: true`));
  const [reused, without] = [await share(true), await share(false)];
  assert.deepEqual(reused.bits, without.bits);
  assert.deepEqual([reused.passes, without.passes], [unshared(2) + 2, unshared(2) + 3]);
  const own = await run(configOf(MODELS.mit, "depth: 2, ", "reuse: true"));
  assert.notDeepEqual(own.bits, reused.bits);
});

Deno.test("mit that looks ahead by head learns the same with reuse [wasm]", async () => {
  await openBackend("wasm");
  const byHead = (reuse: boolean) =>
    run(configOf(MODELS.mit, "by: head, depth: 3, ", `reuse: ${reuse}`));
  const [reused, without] = [await byHead(true), await byHead(false)];
  assert.deepEqual(reused.bits, without.bits);
  // Of the source, mixed images and the teacher twice; virtual steps do without the rest.
  assert.deepEqual([reused.passes, without.passes], [4, 5]);
  assert.deepEqual([reused.frozenPasses, without.frozenPasses], [1, 2]);
});

Deno.test("a run goes on with or without reuse, but not with other draws", () => {
  const of = (more: string) => configOf(MODELS.mit, "depth: 2, ", more);
  assertSameRun("runs/x", of("reuse: true"), of("reuse: false"));
  assert.throws(
    () => assertSameRun("runs/x", of("reuse: true"), of("shareDropout: true")),
    /method\.lookAhead\.shareDropout/,
  );
});
