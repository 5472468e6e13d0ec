// The configurations for few labels: published networks have the published size, and each
// rule takes steps with a narrower network of the same kind, on small crops.
//
// FST_FULL_SIZE=webgpu (or wasm) runs the published sizes too, on small crops;
// FST_FULL_SIZE_ONLY=text takes the files with that text in their names.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { AuxiliaryHeadConfig, DecoderConfig } from "../../src/config/decoder.ts";
import type { EncoderConfig } from "../../src/config/encoder.ts";
import { loadConfig } from "../../src/config/read.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { openBackend } from "../../src/core/backend.ts";
import { type Batch, uploadBatch } from "../../src/core/batch.ts";
import { createRandom } from "../../src/core/random.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { classesOf } from "../../src/prepare/data_specs.ts";
import { WEIGHTS } from "../../src/download/registry.ts";
import { trainableCount } from "../support/network_checks.ts";
import { TINY_ENCODERS } from "../support/tiny_encoders.ts";
import { takeTwoSteps } from "./narrow_run.ts";

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

/** The rows of UniMatch V2: images of an iteration in each of four processes, and epochs. */
const UNIMATCH_V2 = [
  { set: "voc", classes: 21, labels: [92, 183, 366, 732, 1464], batch: 4, epochs: 60 },
  {
    set: "cityscapes",
    classes: 19,
    labels: [186, 372, 744, 1488],
    batch: 2,
    epochs: 180,
  },
];
/** Its networks of 21 classes: numbers, and those of a class. */
const DINOV2_DPT = { s: [24_795_637, 64 + 1], b: [97_528_789, 128 + 1] } as const;
const UNIMATCH_V2_SIZES: Readonly<Record<string, number>> = Object.fromEntries(
  UNIMATCH_V2.flatMap(({ set, classes, labels }) =>
    Object.entries(DINOV2_DPT).flatMap(([size, [all, perClass]]) =>
      labels.map((count) => [
        `${set}_${count}_unimatch_v2_${size}`,
        all - (21 - classes) * perClass,
      ])
    )
  ),
);
/** One of each kind: the others differ from it in what a narrow network does not have. */
const UNIMATCH_V2_STEPS = ["voc_92", "cityscapes_186"].flatMap((row) =>
  ["s", "s_fst_deep"].map((end) => `${row}_unimatch_v2_${end}`)
);
const STREET = [
  "mean_teacher",
  "mean_teacher_fst_deep",
  "mean_teacher_fst_adaptive",
  "weak_to_strong",
  "weak_to_strong_fst_deep",
].map((name) => `street_semi_${name}`);

const SPLITS = new URL("../../configs/splits/", import.meta.url);
const pathOf = (name: string) =>
  fileURLToPath(new URL(`../../configs/${name}.yaml`, import.meta.url));
const SIDE = 32;

const ENCODERS: Readonly<Record<string, EncoderConfig>> = {
  "resnet-101-multigrid": TINY_ENCODERS["resnet-multigrid"],
  "dinov2-small": TINY_ENCODERS.dinov2,
};
const narrowDecoder = (decoder: DecoderConfig): DecoderConfig => ({
  ...decoder,
  ...("channels" in decoder ? { channels: 8 } : {}),
  ...("innerPlanes" in decoder ? { innerPlanes: 4 } : {}),
  ...("levelChannels" in decoder ? { levelChannels: [4, 4, 4, 4] } : {}),
} as DecoderConfig);

function narrow(config: RunConfig): RunConfig {
  const { encoder, decoder, auxiliaryHead } = config.model;
  const model = {
    ...config.model,
    encoder: ENCODERS[encoder.name] ?? encoder,
    decoder: narrowDecoder(decoder),
    auxiliaryHead: auxiliaryHead &&
      { ...auxiliaryHead, channels: 4 } as AuxiliaryHeadConfig,
  };
  return { ...config, model };
}

function randomBatch(key: number): Batch {
  const random = createRandom(5, "batch", key);
  const pixels = SIDE * SIDE;
  const images = () =>
    Float32Array.from({ length: 2 * 3 * pixels }, () => random.normal());
  return uploadBatch({
    ...{ batchSize: 2, height: SIDE, width: SIDE },
    source: {
      fileNames: ["a", "b"],
      images: images(),
      labels: Uint8Array.from(
        { length: 2 * pixels },
        (_, i) => i % pixels < 99 ? 255 : 3,
      ),
    },
    target: { fileNames: ["c", "d"], images: images() },
  });
}

/** Takes the first two iterations. */
const step = (config: RunConfig): Promise<void> =>
  takeTwoSteps(config, {
    batchAt: randomBatch,
    run: (method, learner, batches, t) => method.runIterationAsync(learner, batches, t),
    lossNames(losses) {
      assert.ok(losses.has("supervised") && losses.size > 2);
      return losses.keys();
    },
  });

const full = Deno.env.get("FST_FULL_SIZE") ?? "";
const only = Deno.env.get("FST_FULL_SIZE_ONLY") ?? "";
const unsanitized = { sanitizeOps: false, sanitizeResources: false };
const SMALL = [
  `data.cropSize={height: ${SIDE}, width: ${SIDE}}`,
  "method.supervisedOnlyIterations=0",
];

for (
  const [name, published] of Object.entries({ ...PUBLISHED, ...UNIMATCH_V2_SIZES })
) {
  Deno.test(`${name}: the network has the published size and known weights`, async () => {
    const { model, data, iterations, evaluation } = await loadConfig(pathOf(name));
    const { parameters } = buildNetwork(model, classesOf(data).length);
    assert.equal(trainableCount(parameters), published);
    assert.ok(WEIGHTS.some(({ name }) => name === model.pretrained));
    assert.equal(iterations % evaluation.interval, 0, "it is measured after every epoch");
  });

  Deno.test({
    name: `${name}: the network takes a step`,
    ignore: !["wasm", "webgpu"].includes(full) || !name.includes(only),
    ...unsanitized,
    async fn() {
      await openBackend(full as "wasm" | "webgpu");
      await step(await loadConfig(pathOf(name), [...SMALL, "data.batchSize=2"]));
    },
  });
}

for (const { set, labels, batch, epochs } of UNIMATCH_V2) {
  Deno.test(`rows of UniMatch V2 on ${set} differ in network and labels alone`, async () => {
    const [first, ...others] = await Promise.all(
      Object.keys(DINOV2_DPT).flatMap((size) =>
        labels.map(async (count) => {
          const file = pathOf(`${set}_${count}_unimatch_v2_${size}`);
          const { model: _, ...config } = await loadConfig(file);
          const [list = ""] = /[\w/]+\/unlabeled/.exec(JSON.stringify(config.data)) ?? [];
          const names = await Deno.readTextFile(new URL(`${list}.txt`, SPLITS));
          const share = Math.ceil(names.trim().split("\n").length / 4);
          const interval = Math.floor(share / batch);
          assert.equal(config.data.batchSize, 4 * batch);
          assert.equal(config.evaluation.interval, interval);
          assert.equal(config.iterations, epochs * interval);
          const evaluation = { ...config.evaluation, interval: 0 };
          return JSON.stringify({ ...config, evaluation, iterations: 0 })
            .replaceAll(`/${count}/`, "/COUNT/");
        })
      ),
    );
    for (const other of others) assert.equal(other, first);
  });
}

for (const name of UNIMATCH_V2_STEPS.filter((name) => name.endsWith("_fst_deep"))) {
  Deno.test(`${name} differs from the published row in its look-ahead alone`, async () => {
    const { method, ...rest } = await loadConfig(pathOf(name));
    assert.ok(method.name === "weak-to-strong" && method.lookAhead?.depth === 3);
    const plain = { ...rest, method: { ...method, lookAhead: null } };
    assert.deepEqual(plain, await loadConfig(pathOf(name.replace("_fst_deep", ""))));
  });
}

for (const name of [...Object.keys(PUBLISHED), ...UNIMATCH_V2_STEPS, ...STREET]) {
  Deno.test({
    name: `${name}: a narrow network takes a step`,
    ...unsanitized,
    async fn() {
      await openBackend("wasm");
      await step(narrow(await loadConfig(pathOf(name), SMALL)));
    },
  });
}
