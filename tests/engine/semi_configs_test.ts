// The configurations for few labels: published networks have the published size, and each
// rule takes steps with a narrower network of the same kind, on small crops.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { AuxiliaryConfig, DecoderConfig } from "../../src/config/decoder.ts";
import type { EncoderConfig } from "../../src/config/encoder.ts";
import { loadConfig } from "../../src/config/read.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { openBackend, readBack } from "../../src/core/backend.ts";
import { type Batch, releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import { createRandom } from "../../src/core/random.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/engine/build.ts";
import { classesOf } from "../../src/engine/data.ts";
import { hasSecondMoment } from "../../src/engine/descent.ts";
import { freshLearner } from "../../src/engine/learner_file.ts";
import { startMethod } from "../../src/engine/method.ts";
import { memoryParameters } from "../../src/engine/semi_contrast.ts";
import { releaseLosses } from "../../src/methods/learner.ts";
import { WEIGHTS } from "../../src/weights/registry.ts";

const ENCODER = 42_623_936;
const VOC: Readonly<Record<string, number>> & { readonly mt: number } = {
  mt: 21_836_053,
  cutmix: 21_836_053,
  "psp_mt": 23_090_088,
  "v2_mt": 1_548_372,
};
// DeepLabV3+ of 19 classes has two classifiers' rows of 256 numbers and a bias less.
const CITYSCAPES = VOC.mt - 2 * 257 + 2_364_947;
const sizeOf = (name: string) => ENCODER + (VOC[name.replace("_fst", "")] ?? NaN);
/** The rows of the published table with more labels, and with fewer on Cityscapes. */
const ROWS = ["mt_fst", "psp_mt_fst", "v2_mt_fst"].flatMap((name) =>
  [1323, 2646].map((labels) => [`voc_${labels}_${name}`, sizeOf(name)] as const)
);
const PUBLISHED: Readonly<Record<string, number>> = Object.fromEntries([
  ...ROWS,
  ["voc_662_u2pl", ENCODER + VOC.mt],
  ["cityscapes_186_mt_fst", ENCODER + CITYSCAPES],
  ...Object.entries(VOC).flatMap(([name, decoder]) =>
    ["", "_fst"].map((end) => [`voc_662_${name}${end}`, ENCODER + decoder])
  ),
  ...[372, 744].flatMap((labels) =>
    ["mt", "mt_fst"].map((name) => [`cityscapes_${labels}_${name}`, ENCODER + CITYSCAPES])
  ),
]);
const STREET = [
  "mean_teacher",
  "mean_teacher_fst_deep",
  "mean_teacher_fst_adaptive",
  "weak_to_strong",
  "weak_to_strong_fst_deep",
].map((name) => `street_semi_${name}`);

const pathOf = (name: string) =>
  fileURLToPath(new URL(`../../configs/${name}.yaml`, import.meta.url));
const SIDE = 32;

const ENCODERS: Readonly<Record<string, EncoderConfig>> = {
  "resnet-101-multigrid": {
    name: "resnet-multigrid",
    depths: [1, 1, 2, 3],
    stem: 8,
    planes: 2,
  },
};
const narrowDecoder = (decoder: DecoderConfig): DecoderConfig => ({
  ...decoder,
  ...("channels" in decoder ? { channels: 8 } : {}),
  ...("inner" in decoder ? { inner: 4 } : {}),
} as DecoderConfig);

function narrow(config: RunConfig): RunConfig {
  const { encoder, decoder, auxiliary } = config.model;
  const model = {
    ...config.model,
    encoder: ENCODERS[encoder.name] ?? encoder,
    decoder: narrowDecoder(decoder),
    auxiliary: auxiliary && { ...auxiliary, channels: 4 } as AuxiliaryConfig,
  };
  return { ...config, model };
}

function randomBatch(key: number): Batch {
  const random = createRandom(5, "batch", key);
  const pixels = SIDE * SIDE;
  const images = () =>
    Float32Array.from({ length: 2 * 3 * pixels }, () => random.normal());
  return uploadBatch({
    ...{ batch: 2, height: SIDE, width: SIDE },
    source: {
      names: ["a", "b"],
      images: images(),
      labels: Uint8Array.from(
        { length: 2 * pixels },
        (_, i) => i % pixels < 99 ? 255 : 3,
      ),
    },
    target: { names: ["c", "d"], images: images() },
  });
}

/** Takes the first two iterations. */
async function step(config: RunConfig): Promise<void> {
  const classes = classesOf(config.data);
  const network = buildNetwork(config.model, classes.length);
  const { parameters } = network;
  const student = initialWeights(parameters, 1);
  const learner = freshLearner(
    parameters,
    student,
    true,
    hasSecondMoment(config.optimizer),
    memoryParameters(config, network),
  );
  const method = startMethod(config, classes, network, learner, null, () => {});
  for (const t of [0, 1]) {
    const batches = Array.from({ length: method.batches }, (_, i) => randomBatch(i));
    const losses = await method.advance(learner, batches, t);
    assert.ok(losses.has("supervised") && losses.size > 2);
    for (const [name, loss] of losses) {
      const [value = NaN] = await readBack(loss);
      assert.ok(Number.isFinite(value), `${name} is ${value}`);
    }
    releaseLosses(losses);
    batches.forEach(releaseBatch);
  }
  method.release();
  const { teacher, moments, memory = null } = learner;
  for (const set of [student, teacher, moments.first, moments.second, memory]) {
    if (set !== null) releaseWeights(set);
  }
}

for (const [name, published] of Object.entries(PUBLISHED)) {
  Deno.test(`${name}: the network has the published size and known weights`, async () => {
    const { model, data, iterations, evaluation } = await loadConfig(pathOf(name));
    const numbers = buildNetwork(model, classesOf(data).length).parameters
      .filter(({ trained }) => trained)
      .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    assert.equal(numbers, published);
    assert.ok(WEIGHTS.some(({ name }) => name === model.pretrained));
    assert.equal(iterations % evaluation.every, 0, "it is measured after every epoch");
  });
}

for (const name of [...Object.keys(PUBLISHED), ...STREET]) {
  Deno.test({
    name: `${name}: a narrow network takes a step`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await openBackend("wasm");
      const small = [
        `data.crop={height: ${SIDE}, width: ${SIDE}}`,
        "method.supervisedIterations=0",
      ];
      await step(narrow(await loadConfig(pathOf(name), small)));
    },
  });
}
