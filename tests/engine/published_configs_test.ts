// Every row of the published table of domain adaptation has its configurations: each
// network has the published size, and each method takes a training step with it.
//
// The steps here are those of networks of the same kind that are narrower and have fewer
// blocks. FST_FULL_SIZE=webgpu (or wasm) runs the published sizes too, on small crops;
// FST_FULL_SIZE_ONLY=text takes the files with that text in their names.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { DecoderConfig } from "../../src/config/decoder.ts";
import type { EncoderConfig } from "../../src/config/encoder.ts";
import { loadConfig } from "../../src/config/read.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { openBackend, readBack } from "../../src/core/backend.ts";
import { type Batch, releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import { copyWeights, initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { createRandom } from "../../src/core/random.ts";
import { buildNetwork } from "../../src/engine/build.ts";
import { classesOf } from "../../src/engine/data.ts";
import { freshLearner } from "../../src/engine/learner_file.ts";
import { startMethod } from "../../src/engine/method.ts";
import { WEIGHTS } from "../../src/weights/registry.ts";
import { releaseLosses } from "../../src/methods/learner.ts";

/** Trained numbers of the reference's networks with 19 classes, auxiliary heads included. */
const PUBLISHED = [
  ["resnet101", 43_219_846],
  ["resnet50", 24_227_718],
  ["pspnet", 42_519_392 + 23_083_539],
  ["swin_b", 121_314_206],
  ["mit_b5", 85_155_283],
  ["beit_b", 163_273_574],
] as const;

const METHODS = ["fst_deep", "fst_wide", "self_training"] as const;
const ROWS = [
  ...PUBLISHED.map(([network, size]) => ["gta5", network, size] as const),
  ...PUBLISHED.filter(([network]) => network === "mit_b5")
    .map(([network, size]) => ["synthia", network, size] as const),
];

const CROP = 64;
const SMALL = [
  `data.crop={height: ${CROP}, width: ${CROP}}`,
  "data.batch=1",
  "method.pseudoLabel.ignoreTop=2",
  "method.pseudoLabel.ignoreBottom=16",
];

const NARROW_ENCODERS: Readonly<Record<string, EncoderConfig>> = {
  "resnet-50": { name: "resnet", depths: [1, 1, 1, 1], stem: 8, planes: 2 },
  "resnet-101": { name: "resnet", depths: [1, 1, 2, 1], stem: 8, planes: 2 },
  "swin-b": {
    name: "swin",
    width: 8,
    depths: [1, 1, 2, 1],
    heads: [1, 2, 4, 8],
    window: 4,
    dropPath: 0.3,
  },
  "mit-b5": {
    name: "mit",
    widths: [8, 8, 16, 16],
    depths: [1, 1, 2, 1],
    heads: [1, 2, 2, 2],
    reductions: [8, 4, 2, 1],
    dropPath: 0.1,
  },
  "beit-b": {
    name: "beit",
    width: 16,
    depth: 4,
    heads: 2,
    outputs: [0, 1, 2, 3],
    imageSize: 64,
    dropPath: 0.1,
    layerScale: 0.1,
  },
};

const narrowDecoder = (decoder: DecoderConfig): DecoderConfig =>
  "channels" in decoder ? { ...decoder, channels: 8 } : decoder;

function narrow({ model, ...config }: RunConfig): RunConfig {
  const encoder = NARROW_ENCODERS[model.encoder.name] ?? assert.fail();
  const { auxiliary } = model;
  return {
    ...config,
    model: {
      ...model,
      encoder,
      decoder: narrowDecoder(model.decoder),
      auxiliary: auxiliary && { ...auxiliary, channels: 8 },
    },
  };
}

/** Two blocks of classes, so that something is mixed and something is far off. */
function randomBatch(key: number): Batch {
  const random = createRandom(5, "batch", key);
  const pixels = CROP * CROP;
  const images = () => Float32Array.from({ length: 3 * pixels }, () => random.normal());
  const labels = Uint8Array.from({ length: pixels }, (_, i) => i < pixels / 2 ? 13 : 0);
  return uploadBatch({
    batch: 1,
    height: CROP,
    width: CROP,
    source: { names: ["a"], images: images(), labels },
    target: { names: ["b"], images: images() },
  });
}

/** Takes the first iteration and one that looks ahead. */
async function step(config: RunConfig): Promise<void> {
  const classes = classesOf(config.data);
  const network = buildNetwork(config.model, classes.length);
  const { parameters, encoder } = network;
  const student = initialWeights(parameters, 1);
  const learner = freshLearner(parameters, student, true);
  const encoderNames = new Set(encoder.parameters.map(({ name }) => name));
  const frozen = copyWeights(
    new Map([...student].filter(([name]) => encoderNames.has(name))),
  );
  const method = startMethod(config, classes, network, learner, frozen, () => {});
  for (const t of [0, 1]) {
    const batches = Array.from({ length: method.batches }, (_, i) => randomBatch(i));
    const losses = method.iterate(learner, batches, t);
    for (const name of ["source", "mixed", "featureDistance"]) {
      const [loss = NaN] = await readBack(losses.get(name) ?? assert.fail(name));
      assert.ok(Number.isFinite(loss), `${name} is ${loss}`);
    }
    releaseLosses(losses);
    batches.forEach(releaseBatch);
  }
  method.release();
  const { teacher, moments } = learner;
  for (const set of [student, teacher, frozen, moments.first, moments.second]) {
    if (set !== null) releaseWeights(set);
  }
}

const full = Deno.env.get("FST_FULL_SIZE") ?? "";
const only = Deno.env.get("FST_FULL_SIZE_ONLY") ?? "";
const loose = { sanitizeOps: false, sanitizeResources: false };

for (const [source, row, published] of ROWS) {
  for (const method of METHODS) {
    const file = `${source}_to_cityscapes_${row}_${method}.yaml`;
    const path = fileURLToPath(new URL(`../../configs/${file}`, import.meta.url));

    Deno.test(`${file}: the network has the published size and known weights`, async () => {
      const config = await loadConfig(path);
      const { parameters } = buildNetwork(config.model, classesOf(config.data).length);
      const numbers = parameters.filter(({ trained }) => trained)
        .reduce(
          (sum, { shape }) => sum + shape.reduce((size, side) => size * side, 1),
          0,
        );
      assert.equal(numbers, published);
      const { pretrained } = config.model;
      assert.ok(
        WEIGHTS.some(({ name }) => name === pretrained),
        `${pretrained} is known`,
      );
    });

    Deno.test({
      name: `${file}: a narrow network takes a step`,
      ...loose,
      async fn() {
        await openBackend("wasm");
        await step(narrow(await loadConfig(path, SMALL)));
      },
    });

    Deno.test({
      name: `${file}: the network takes a step`,
      ignore: !["wasm", "webgpu"].includes(full) || !file.includes(only),
      ...loose,
      async fn() {
        await openBackend(full as "wasm" | "webgpu");
        await step(await loadConfig(path, SMALL));
      },
    });
  }
}
