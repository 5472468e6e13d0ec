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
import { openBackend } from "../../src/core/backend.ts";
import { type Batch, uploadBatch } from "../../src/core/batch.ts";
import { createRandom } from "../../src/core/random.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { classesOf } from "../../src/prepare/data_specs.ts";
import { WEIGHTS } from "../../src/download/registry.ts";
import { trainableCount } from "../support/network_checks.ts";
import { TINY_ENCODERS } from "../support/tiny_encoders.ts";
import { takeTwoSteps } from "./narrow_run.ts";

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
/** Those that learn from masked images, too. */
const MASKED: Readonly<Record<string, readonly string[]>> = {
  "gta5 resnet101": ["mic"],
  "gta5 mit_b5": ["mic", "mic_fst_deep"],
};
const ROWS = [
  ...PUBLISHED.map(([network, size]) => ["gta5", network, size] as const),
  ...PUBLISHED.filter(([network]) => network === "mit_b5")
    .map(([network, size]) => ["synthia", network, size] as const),
];
/** DINOv2 with the head of VFM-UDA: sizes of the authors' code. */
const VFM_UDA = [
  ["vfm_uda_b", 86_580_480 + 1_811_520],
  ["vfm_uda_b_fst_deep", 86_580_480 + 1_811_520],
  ["vfm_uda_l", 304_368_640 + 3_218_176],
] as const;

/** MiT-B5 at two resolutions, with the scale attention: 85.69 M in the paper. */
const HRDA = [
  ["mit_b5_hrda", []],
  ["mit_b5_mic_hrda", ["masked"]],
] as const;

/** Every file, with the size of its network and its losses. */
const CONFIGS = [
  ...ROWS.flatMap(([source, row, published]) => {
    const masked = MASKED[`${source} ${row}`] ?? [];
    return [...METHODS, ...masked].map((method) => ({
      file: `${source}_to_cityscapes_${row}_${method}.yaml`,
      published,
      losses: [
        ...["source", "mixed", "featureDistance"],
        ...masked.includes(method) ? ["masked"] : [],
      ],
    }));
  }),
  ...HRDA.map(([row, masked]) => ({
    file: `gta5_to_cityscapes_${row}.yaml`,
    published: 85_685_990,
    losses: ["source", "mixed", "featureDistance", ...masked],
  })),
  ...VFM_UDA.map(([row, published]) => ({
    file: `gta5_to_cityscapes_${row}.yaml`,
    published,
    losses: ["source", "mixed", "masked"],
  })),
];

const CROP = 64;
const SMALL = [
  `data.cropSize={height: ${CROP}, width: ${CROP}}`,
  "data.batchSize=1",
  "optimizer.accumulationSteps=1",
  "method.pseudoLabel.ignoreTop=2",
  "method.pseudoLabel.ignoreBottom=16",
];

const SMALL_DETAIL = "model.multiResolution.detailSize={height: 32, width: 32}";

const NARROW_ENCODERS: Readonly<Record<string, EncoderConfig>> = {
  "resnet-50": TINY_ENCODERS.resnet,
  "resnet-101": TINY_ENCODERS.resnet,
  "swin-b": TINY_ENCODERS.swin,
  "mit-b5": TINY_ENCODERS.mit,
  "beit-b": TINY_ENCODERS.beit,
  "dinov2-base": TINY_ENCODERS.dinov2,
  "dinov2-large": TINY_ENCODERS.dinov2,
};

const narrowDecoder = (decoder: DecoderConfig): DecoderConfig =>
  "channels" in decoder ? { ...decoder, channels: 8 } : decoder;

function narrow({ model, ...config }: RunConfig): RunConfig {
  const encoder = NARROW_ENCODERS[model.encoder.name] ?? assert.fail();
  const { auxiliaryHead, multiResolution } = model;
  return {
    ...config,
    model: {
      ...model,
      encoder,
      decoder: narrowDecoder(model.decoder),
      auxiliaryHead: auxiliaryHead && { ...auxiliaryHead, channels: 8 },
      multiResolution: multiResolution && { ...multiResolution, attentionChannels: 8 },
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
    batchSize: 1,
    height: CROP,
    width: CROP,
    source: { fileNames: ["a"], images: images(), labels },
    target: { fileNames: ["b"], images: images() },
  });
}

/** Takes the first iteration and one that looks ahead. */
const step = (config: RunConfig, losses: readonly string[]): Promise<void> =>
  takeTwoSteps(config, {
    batchAt: randomBatch,
    run: (method, learner, batches, t) => method.runIteration(learner, batches, t),
    lossNames: () => losses,
  });

const full = Deno.env.get("FST_FULL_SIZE") ?? "";
const only = Deno.env.get("FST_FULL_SIZE_ONLY") ?? "";
const unsanitized = { sanitizeOps: false, sanitizeResources: false };

for (const { file, published, losses } of CONFIGS) {
  const path = fileURLToPath(new URL(`../../configs/${file}`, import.meta.url));
  const small = file.includes("hrda") ? [...SMALL, SMALL_DETAIL] : SMALL;

  Deno.test(`${file}: the network has the published size and known weights`, async () => {
    const config = await loadConfig(path);
    const { parameters } = buildNetwork(config.model, classesOf(config.data).length);
    assert.equal(trainableCount(parameters), published);
    const { pretrained } = config.model;
    assert.ok(
      WEIGHTS.some(({ name }) => name === pretrained),
      `${pretrained} is known`,
    );
  });

  Deno.test({
    name: `${file}: a narrow network takes a step`,
    ...unsanitized,
    async fn() {
      await openBackend("wasm");
      await step(narrow(await loadConfig(path, small)), losses);
    },
  });

  Deno.test({
    name: `${file}: the network takes a step`,
    ignore: !["wasm", "webgpu"].includes(full) || !file.includes(only),
    ...unsanitized,
    async fn() {
      await openBackend(full as "wasm" | "webgpu");
      await step(await loadConfig(path, small), losses);
    },
  });
}
