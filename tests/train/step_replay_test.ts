// A replayed iteration computes what the same iteration computes unrecorded, bit for bit.
import assert from "node:assert/strict";
import type { RunConfig } from "../../src/config/schema.ts";
import { readBack } from "../../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import type { HostBatch } from "../../src/core/host_batch.ts";
import type { Network, Weights } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import {
  cloneWeights,
  initializeWeights,
  releaseWeights,
} from "../../src/core/weights.ts";
import { type Loader, openLoader } from "../../src/data/loader.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { trainingLoaderSpec } from "../../src/prepare/data_specs.ts";
import { createLearner } from "../../src/train/learner_checkpoint.ts";
import { buildMethod } from "../../src/train/build_method.ts";
import { lossStateParameters } from "../../src/train/objectives.ts";
import { withFrozenParts } from "../../src/train/parameter_selection.ts";
import { convModule } from "../../src/layers/conv_module.ts";
import { classifier } from "../../src/layers/classifier.ts";
import { convolution } from "../../src/layers/convolution.ts";
import { dropout } from "../../src/layers/dropout.ts";
import { feedForward } from "../../src/layers/transformer_block.ts";
import { layerNorm } from "../../src/layers/normalization.ts";
import { parametersOf } from "../../src/layers/parameter.ts";
import {
  encoderDecoder as join,
  withActivationCheckpointing,
} from "../../src/models/encoder_decoder.ts";
import { releaseLosses } from "../../src/methods/learner.ts";
import {
  tinyConfig,
  TWO_RESOLUTIONS,
  UNIMATCH_V2,
  VFM_UDA,
  VFM_UDA_MODEL,
} from "../support/commands.ts";
import { onWebGpu } from "../support/backends.ts";

const UNCERTAIN = "pseudoLabel: {threshold: 0.2}"; // so that it counts from the start
const FUTURE = `name: self-training, teacher: {emaDecay: 0.9}, ${UNCERTAIN}`;
const PUBLISHED = "optimizerState: carry, buffers: carry, emaStep: forward, " +
  "firstIteration: plain";
const BATCH = "mixing: {classesFrom: batch}";
const FEATURES =
  "featureDistance: {lossWeight: 0.01, scaleMinRatio: 0.5, classes: [0, 1, 2]}";

const METHODS: Readonly<Record<string, string>> = {
  supervised: "{name: supervised}",
  "source-only": "{name: source-only}",
  "self-training": `{name: self-training, ${UNCERTAIN}, ${FEATURES}}`,
  "depth 1": `{${FUTURE}, lookAhead: {depth: 1}}`,
  "depth 1 as published": `{${FUTURE}, lookAhead: {depth: 1, ${PUBLISHED}}, ${BATCH}}`,
  "depth 3": `{${FUTURE}, lookAhead: {depth: 3}, ${FEATURES}}`,
  "depth 3 as published": `{${FUTURE}, lookAhead: {depth: 3, ${PUBLISHED}}, ${BATCH}}`,
  "width 2": `{${FUTURE}, lookAhead: {depth: 1, width: 2}}`,
  "width 2 as published":
    `{${FUTURE}, lookAhead: {depth: 1, width: 2, ${PUBLISHED}, emaTiming: after}, ${BATCH}}`,
  "depth 3 by momentum": `{${FUTURE}, lookAhead: {by: momentum}}`,
  "mean teacher by reuse":
    "{name: mean-teacher, lookAhead: {by: reuse, depth: 1}, entropyFilter: " +
    "{keepPercent: 50, anneal: true}}",
  "depth 2 by head": `{${FUTURE}, lookAhead: {by: head, depth: 2}, ${FEATURES}}`,
  "mean teacher": "{name: mean-teacher, perturbation: {name: classmix}}",
  "mean teacher, depth 2 as published":
    "{name: mean-teacher, perturbation: {name: cutmix}, criterion: {name: ohem, " +
    "minKept: 99}, lookAhead: {depth: 2, optimizerState: carry, buffers: carry, " +
    "emaTiming: both}}",
  "mean teacher, width 2": "{name: mean-teacher, entropyFilter: {keepPercent: 80, " +
    "teacherMode: eval}, lookAhead: {depth: 1, width: 2}}",
  "mean teacher with a contrast, depth 1":
    "{name: mean-teacher, lookAhead: {depth: 1}, entropyFilter: {keepPercent: 50, " +
    "anneal: true}, contrastive: {numQueries: 9, numNegatives: 5, " +
    "ranks: [1, 4], currentClassThreshold: 0.1, memoryBank: {queueSize: 50, " +
    "maxEnqueued: 8}}}",
  "weak to strong, depth 1":
    "{name: weak-to-strong, confidenceThreshold: 0.2, lookAhead: {depth: 1}}",
  "masked images, depth 2":
    `{${FUTURE}, maskedConsistency: {blockSize: 8}, lookAhead: {depth: 2}}`,
  "masked images, weak to strong":
    "{name: weak-to-strong, confidenceThreshold: 0.2, maskedConsistency: {}}",
  "weak to strong as UniMatch V2, depth 1":
    `{${UNIMATCH_V2}, confidenceThreshold: 0.2, lookAhead: {depth: 1}}`,
};

const ITERATIONS = 20;

// A contrast is refused with any other decoder; the networks here are not built from it.
const decoderFor = (method: string) =>
  method.includes("contrast")
    ? "{name: semi-deeplabv3+}"
    : "{name: daformer, channels: 8, fusion: conv1, dropout: 0.1}";

const configOf = (method: string, ...more: string[]): RunConfig =>
  tinyConfig(
    `method=${method}`,
    "iterations=30",
    "data.batchSize=2",
    "model.pretrained=x", // wanted by the feature distance, read by nobody here
    `model.decoder=${decoderFor(method)}`,
    ...more,
  );

/**
 * Batch norm, layer norm, an MLP whose path is dropped, and channels that are dropped.
 *
 * @param more Does something else to the map.
 */
function smallNetwork(classes: number, more = (map: tf.Tensor4D) => map): Network {
  const stem = convolution("stem", 3, 8, { kernelSize: 4, stride: 4 });
  const conv = convModule("conv", 8, 8, 3);
  const norm = layerNorm("norm", 8, 1e-6);
  const mlp = feedForward("mlp", 8, 16);
  const classify = classifier("head", 8, classes, 0.2);
  const encoder = parametersOf(stem, conv, norm, mlp);
  return join(
    {
      parameters: encoder,
      strides: [4],
      channels: [8],
      apply(weights, images, context) {
        const x = conv.apply(weights, stem.apply(weights, images, context), context);
        const branch = mlp.apply(weights, norm.apply(weights, x, context), context);
        return [more(tf.add(x, dropout("mlp", branch, 0.3, "sample", context)))];
      },
    },
    {
      parameters: classify.parameters,
      apply: (weights, [map], context) =>
        classify.apply(weights, map ?? assert.fail(), context),
      representationChannels: 8,
      applyWithRepresentation(weights, [map = assert.fail()], context) {
        return { logits: classify.apply(weights, map, context), representation: map };
      },
    },
    classes,
  );
}

/** One run in memory, one iteration at a time. */
function start(
  config: RunConfig,
  loader: Loader,
  replayed: boolean,
  network = smallNetwork(loader.classes.length),
) {
  const student = initializeWeights(network.parameters, config.seed);
  const adam = config.optimizer.name === "adamw";
  const memory = lossStateParameters(config, network);
  const learner = createLearner(network.parameters, student, true, adam, memory);
  const names = new Set(network.encoder.parameters.map(({ name }) => name));
  const frozen = cloneWeights(new Map([...student].filter(([name]) => names.has(name))));
  const lines: string[] = [];
  const log = (line: string) => {
    if (!SPLIT.test(line)) lines.push(line); // depends on how busy the machine is
  };
  const state = { watched: false };
  const method = buildMethod({
    ...{ config, network, learner },
    classes: loader.classes,
    frozenEncoder: frozen,
    replay: replayed ? { log, isObserved: () => state.watched } : null,
  });
  const { teacher, moments: { first, second } } = learner;
  const sets = [student, teacher, first, second, learner.lossState ?? null]
    .filter((set) => set !== null);
  return {
    method,
    learner,
    lines,
    state,
    async once(
      hosts: readonly HostBatch[],
      t: number,
    ): Promise<Record<string, number>> {
      const batches = hosts.map(uploadBatch);
      const losses = method.runIteration(learner, batches, t);
      const numbers = await Promise.all(
        Array.from(losses, async ([name, loss]) => {
          const [value = NaN] = await readBack(loss);
          return [name, value] as const;
        }),
      );
      releaseLosses(losses);
      batches.forEach(releaseBatch);
      return Object.fromEntries(numbers);
    },
    async bits(): Promise<string[]> {
      const all = await Promise.all(sets.map(bitsOf));
      return [...all.flat(), `${learner.forwardCount} ${learner.moments.steps}`];
    },
    release() {
      method.release();
      [...sets, frozen].forEach(releaseWeights);
    },
  };
}

function bitsOf(weights: Weights): Promise<string[]> {
  return Promise.all(Array.from(weights, async ([name, value]) => {
    const numbers = Float32Array.from(await readBack(value));
    return `${name} ${new Uint32Array(numbers.buffer).join()}`;
  }));
}

async function hostsAt(loader: Loader, count: number, t: number): Promise<HostBatch[]> {
  const hosts: HostBatch[] = [];
  for (let i = 0; i < count; i++) hosts.push(await loader.batch(t, i));
  return hosts;
}

const SPLIT = /^an iteration takes \d+\.\d+ s on this device/;
const REPLAYED = /^iterations are replayed from now on: \d+ dispatches each$/;

for (const [name, section] of Object.entries(METHODS)) {
  onWebGpu(`${name}: ${ITERATIONS} iterations are the same replayed`, async () => {
    const config = configOf(section);
    const loader = await openLoader(trainingLoaderSpec(config, null));
    const plain = start(config, loader, false);
    const fast = start(config, loader, true);
    const memory: string[] = [];
    const seen = new Set<string>();
    const contrasts = new Set<number>();
    for (let t = 0; t < ITERATIONS; t++) {
      const hosts = await hostsAt(loader, plain.method.batchesPerIteration, t);
      const expected = await plain.once(hosts, t);
      assert.deepEqual(await fast.once(hosts, t), expected, `losses of iteration ${t}`);
      const { numTensors, numBytesInGPU } = tf.memory() as tf.MemoryInfo & {
        numBytesInGPU: number;
      };
      const own = fast.method.deviceBytes;
      if (t >= 5) memory.push(`${numTensors} tensors, ${numBytesInGPU} + ${own} bytes`);
      if (t === 9) assert.deepEqual(await fast.bits(), await plain.bits());
      seen.add(String(expected["confidentShare"]));
      contrasts.add(expected["contrast"] ?? 0);
    }
    assert.deepEqual(await fast.bits(), await plain.bits());
    assert.equal(fast.lines.length, 1);
    assert.match(fast.lines[0] ?? "", REPLAYED);
    assert.equal(new Set(memory).size, 1, memory.join("\n"));
    if (section.includes("contrast")) assert.ok(contrasts.size > 2, "it is a contrast");
    if (section.includes(UNCERTAIN)) assert.ok(seen.size > 2, "the teacher has a say");
    plain.release();
    fast.release();
    await loader.close();
  });
}

onWebGpu("phases with gradient descent are replayed each on its own", async () => {
  const config = configOf(
    "{name: mean-teacher, perturbation: {name: cutout}, supervisedOnlyIterations: 5, " +
      "teacher: {copyIterations: 5}, lookAhead: {depth: 1}}",
    "optimizer={name: sgd}",
  );
  const loader = await openLoader(trainingLoaderSpec(config, null));
  const plain = start(config, loader, false);
  const fast = start(config, loader, true);
  for (let t = 0; t < 15; t++) {
    const hosts = await hostsAt(loader, 1, t);
    assert.deepEqual(await fast.once(hosts, t), await plain.once(hosts, t), `at ${t}`);
    if (t % 5 === 4) assert.deepEqual(await fast.bits(), await plain.bits(), `at ${t}`);
  }
  assert.equal(fast.lines.length, 3);
  for (const line of fast.lines) assert.match(line, REPLAYED);
  plain.release();
  fast.release();
  await loader.close();
});

onWebGpu("with an adaptive depth nothing is replayed, and the log says why", async () => {
  const config = configOf("{name: mean-teacher, lookAhead: {depth: 2, agreement: 0.9}}");
  const loader = await openLoader(trainingLoaderSpec(config, null));
  const run = start(config, loader, true);
  const [host = assert.fail()] = await hostsAt(loader, 1, 0);
  for (let t = 0; t < 5; t++) {
    const batch = uploadBatch(host);
    releaseLosses(await run.method.runIterationAsync(run.learner, [batch], t));
    releaseBatch(batch);
  }
  assert.equal(run.lines.length, 1);
  assert.match(run.lines[0] ?? "", /^iterations are not replayed: /);
  assert.ok(run.lines[0]?.includes('"method.lookAhead.agreement"'));
  run.release();
  await loader.close();
});

const WITH_FEATURES = `{${FUTURE}, lookAhead: {depth: 1}, ${FEATURES}}`;
const WITH_TOKENS = [
  `{${VFM_UDA}, pseudoLabel: {threshold: 0.2, flip: true, ` +
  "ignoreMargins: {bottom: 0.25, left: 0.2}}}",
  VFM_UDA_MODEL,
] as const;

for (
  const [what, change, section, ...more] of [
    ["a transformer's iterations", (network: Network) => network, WITH_FEATURES],
    ["iterations that compute maps again", withActivationCheckpointing, WITH_FEATURES],
    ["iterations with masked tokens", (network: Network) => network, ...WITH_TOKENS],
    [
      "iterations at two resolutions",
      withActivationCheckpointing,
      `{${FUTURE}}`,
      ...TWO_RESOLUTIONS,
    ],
  ] as const
) {
  onWebGpu(`${what} are the same replayed`, async () => {
    const config = configOf(section, ...more);
    const loader = await openLoader(trainingLoaderSpec(config, null));
    const network = buildNetwork(config.model, loader.classes.length);
    const plain = start(config, loader, false, network);
    const fast = start(config, loader, true, change(network));
    for (let t = 0; t < 6; t++) {
      const hosts = await hostsAt(loader, 1, t);
      assert.deepEqual(await fast.once(hosts, t), await plain.once(hosts, t));
    }
    assert.match(fast.lines.join(), REPLAYED);
    assert.deepEqual(await fast.bits(), await plain.bits());
    plain.release();
    fast.release();
    await loader.close();
  });
}

for (const freeze of ["[encoder]", '["conv.*", "mlp.*"]']) {
  onWebGpu(`clipped iterations with ${freeze} frozen are the same replayed`, async () => {
    const config = configOf(
      `{${FUTURE}, lookAhead: {depth: 1, width: 2}}`,
      `optimizer={learningRate: 0.01, freeze: ${freeze}, clipGradientNorm: 0.1, ` +
        'lrMultipliers: {"head.*": 0.5}}',
    );
    const loader = await openLoader(trainingLoaderSpec(config, null));
    const networkOf = () =>
      withFrozenParts(smallNetwork(loader.classes.length), config.optimizer);
    const plain = start(config, loader, false, networkOf());
    const fast = start(config, loader, true, networkOf());
    for (let t = 0; t < 8; t++) {
      const hosts = await hostsAt(loader, 3, t);
      const losses = await plain.once(hosts, t);
      assert.deepEqual(await fast.once(hosts, t), losses, `at ${t}`);
      assert.ok((losses["gradientNorm"] ?? 0) > 0.1, "it is clipped");
    }
    assert.match(fast.lines.join(), REPLAYED);
    assert.deepEqual(await fast.bits(), await plain.bits());
    plain.release();
    fast.release();
    await loader.close();
  });
}

onWebGpu(
  "watched iterations and other shapes are not replayed, and the rest is",
  async () => {
    const section = `{${FUTURE}, lookAhead: {depth: 1}}`;
    const [usual, other] = [configOf(section), configOf(section)].map((config, i) => ({
      ...config,
      data: { ...config.data, cropSize: { height: 32, width: i === 0 ? 32 : 24 } },
    })) as [RunConfig, RunConfig];
    const loader = await openLoader(trainingLoaderSpec(usual, null));
    const narrow = await openLoader(trainingLoaderSpec(other, null));
    const plain = start(usual, loader, false);
    const fast = start(usual, loader, true);
    for (let t = 0; t < 12; t++) {
      fast.state.watched = t === 6;
      const hosts = await hostsAt(t === 8 || t === 9 ? narrow : loader, 1, t);
      assert.deepEqual(await fast.once(hosts, t), await plain.once(hosts, t), `at ${t}`);
    }
    assert.deepEqual(await fast.bits(), await plain.bits());
    assert.deepEqual(fast.lines.slice(1), [
      "an iteration is not replayed: its batches are 2×32×24 instead of 2×32×32",
    ]);
    plain.release();
    fast.release();
    await loader.close();
    await narrow.close();
  },
);

onWebGpu(
  "what a network makes up by itself is noticed, and nothing is replayed",
  async () => {
    const config = configOf(`{name: self-training, ${UNCERTAIN}}`);
    const loader = await openLoader(trainingLoaderSpec(config, null));
    const network = () => {
      let passes = 0;
      return smallNetwork(
        loader.classes.length,
        (map) => tf.mul(map, 1 + ++passes / 1000),
      );
    };
    const plain = start(config, loader, false, network());
    const fast = start(config, loader, true, network());
    for (let t = 0; t < 8; t++) {
      const hosts = await hostsAt(loader, 1, t);
      assert.deepEqual(await fast.once(hosts, t), await plain.once(hosts, t), `at ${t}`);
    }
    assert.match(
      fast.lines.join(),
      /^iterations are not replayed: a constant changed at command \d+$/,
    );
    plain.release();
    fast.release();
    await loader.close();
  },
);
