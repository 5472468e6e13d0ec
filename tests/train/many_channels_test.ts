// Four channels of 16 bits from TIFF files to predictions.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseConfig } from "../../src/config/read.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { probeAdapter } from "../../src/core/backend.ts";
import { createRandom } from "../../src/core/random.ts";
import { exportNetwork } from "../../src/export/export_network.ts";
import { readRaster } from "../../src/formats/image_codec.ts";
import { encodePng } from "../../src/formats/png.ts";
import { prepare } from "../../src/prepare/prepare.ts";
import { train } from "../../src/train/train.ts";
import { loadNetwork } from "../../src/evaluate/load_network.ts";
import { networkFrom } from "../../src/browser/network.ts";
import { main as predictMain } from "../../tasks/predict.ts";
import { main as prepareMain } from "../../tasks/prepare.ts";
import { call, UNIMATCH_V2, WASM } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";
import { encodeTiff } from "../support/tiff_file.ts";
import { assertResumes, logOf } from "./resuming.ts";

const [HEIGHT, WIDTH] = [40, 48];
const CLASSES = ["sky", "land", "water"];

/** What the channels of the classes are around, as shares of the largest value. */
const COLORS = [[0.1, 0.2, 0.6, 0.05], [0.2, 0.5, 0.2, 0.7], [0.6, 0.3, 0.1, 0.4]];

interface Format {
  readonly channels: number;
  readonly bitDepth: 8 | 16;
}

const FOUR: Format = { channels: 4, bitDepth: 16 };

/** Scenes of three classes; every other label is a TIFF. */
async function writeScenes(root: string, { channels, bitDepth }: Format) {
  const pixels = HEIGHT * WIDTH;
  for (const [split, count] of [["train", 3], ["val", 2], ["target", 2]] as const) {
    for (let i = 0; i < count; i++) {
      const random = createRandom(5, split, i);
      const [horizon, shore] = [12 + random.integer(12), random.integer(24)];
      const label = Uint8Array.from({ length: pixels }, (_, at) => {
        const [y, x] = [Math.floor(at / WIDTH), at % WIDTH];
        return y < horizon ? 0 : x < shore ? 1 : 2;
      });
      const length = pixels * channels;
      const data = bitDepth === 16 ? new Uint16Array(length) : new Uint8Array(length);
      for (let at = 0; at < length; at++) {
        const id = label[Math.floor(at / channels)] ?? 0;
        const share = COLORS[id]?.[at % channels % 4] ?? 0;
        data[at] = (2 ** bitDepth - 1) * 0.3 * (share + 0.1 * random.uniform());
      }
      const size = { width: WIDTH, height: HEIGHT };
      const labelFile = { ...size, channels: 1, data: label };
      const files: [string, Uint8Array][] = [
        [`images/${split}/${i}.tif`, encodeTiff({ ...size, channels, data })],
        i % 2 === 0
          ? [`labels/${split}/${i}.png`, encodePng(labelFile)]
          : [`labels/${split}/${i}.tiff`, encodeTiff(labelFile)],
      ];
      for (const [path, bytes] of files) {
        await mkdir(dirname(join(root, path)), { recursive: true });
        await writeFile(join(root, path), bytes);
      }
    }
  }
}

const yamlOf = (root: string, { channels, bitDepth }: Format, ...data: string[]) => `
iterations: 6
model:
  encoder:
    name: mit
    embedDims: [8, 8, 8, 8]
    depths: [1, 1, 1, 1]
    numHeads: [1, 1, 1, 1]
    srRatios: [8, 4, 2, 1]
  decoder: { name: segformer, channels: 8 }
data:
  kind: folder
  root: ${JSON.stringify(root)}
  channels: ${channels}
  bitDepth: ${bitDepth}
  classes: [${CLASSES.map((name, i) => `{name: ${name}, color: [${i}, 9, 9]}`)}]
  source: { split: train }
  target: { split: target }
  evaluations: { val: { split: val } }
  resize: { height: 48, width: 56 }
  cropSize: { height: 32, width: 32 }
  rareClassSampling: { minPixels: 10 }
  numWorkers: 0
${data.map((line) => `  ${line}\n`).join("")}
method: { name: supervised }
evaluation: { interval: 0 }
logging: { interval: 1, imageInterval: 0, checkpointInterval: 3 }
`;

const STATISTICS =
  "normalization: { mean: [6000, 7000, 8000, 7000], std: [3000, 3000, 4000, 5000] }";

const configOf = (root: string, ...overrides: string[]): RunConfig =>
  parseConfig(yamlOf(root, FOUR, STATISTICS), "four.yaml", overrides);

const JITTER = "colorJitterProbability: 0.8, blurProbability: 0.5";
const METHODS = {
  supervised: "{name: supervised}",
  "self-training":
    `{name: self-training, lookAhead: {depth: 1}, pseudoLabel: {threshold: 0.2}, mixing: {${JITTER}}}`,
  "self-training with masked images":
    `{name: self-training, pseudoLabel: {threshold: 0.2}, maskedConsistency: {${JITTER}}}`,
  "mean-teacher": "{name: mean-teacher, perturbation: {name: classmix}}",
  "weak-to-strong":
    `{name: weak-to-strong, confidenceThreshold: 0.2, strongAugmentation: {${JITTER}}}`,
  "weak-to-strong as UniMatch V2": `{${UNIMATCH_V2}, confidenceThreshold: 0.2}`,
};

for (const [name, method] of Object.entries(METHODS)) {
  Deno.test(`${name} resumes bit for bit on four channels of 16 bits [wasm]`, () =>
    inFolder(async (root) => {
      await writeScenes(root, FOUR);
      await assertResumes(configOf(root, `method=${method}`), "wasm");
    }));
}

/** Settings of optimizers that choose parameters of these encoders by name. */
const MODELS: Readonly<Record<string, readonly string[]>> = {
  dinov2: [
    "model={encoder: {name: dinov2, embedDim: 16, depth: 4, numHeads: 2, outIndices: " +
    "[0, 1, 2, 3], imageSize: 28, inputScale: 1.1, dropPathRate: 0.2}, " +
    "decoder: {name: dpt, channels: 4, levelChannels: [4, 4, 4, 4]}, " +
    "activationCheckpointing: true}",
    'optimizer={freeze: ["backbone.patch_embed.*", "backbone.blocks.0.*"], ' +
    'lrMultipliers: {"backbone.blocks.3.*": 0.5}, decayNorms: true}',
  ],
  "efficientnet-lite": [
    "model={encoder: {name: efficientnet-lite, widthCoefficient: 0.1, depthCoefficient: " +
    "0.5}, decoder: {name: lraspp, channels: 8}, activationCheckpointing: true}",
    'optimizer={freeze: ["backbone._conv_stem.*", "backbone._bn0.*"], ' +
    'lrMultipliers: {"backbone._blocks.6.*": 0.5}, decayNorms: true}',
  ],
};

for (const [name, settings] of Object.entries(MODELS)) {
  Deno.test(`${name} with frozen layers resumes bit for bit on four channels [wasm]`, () =>
    inFolder(async (root) => {
      await writeScenes(root, FOUR);
      const method = "{name: self-training, lookAhead: {depth: 1, width: 2}}";
      const config = configOf(root, `method=${method}`, ...settings);
      await assertResumes(config, "wasm");
    }));
}

Deno.test({
  name:
    "self-training on four channels of 16 bits is replayed, with the losses of wasm [webgpu]",
  ignore: await probeAdapter() === null,
  sanitizeOps: false, // the device outlives a test
  sanitizeResources: false,
  fn: () =>
    inFolder(async (root) => {
      await writeScenes(root, FOUR);
      const mixing = "mixing: {colorJitterProbability: 1, blurProbability: 0}";
      const method = `{name: self-training, pseudoLabel: {threshold: 0.2}, ${mixing}}`;
      const config = configOf(root, `method=${method}`);
      const said: string[] = [];
      const observer = { log: (line: string) => said.push(line) };
      for (const backend of ["wasm", "webgpu"] as const) {
        await train(config, { out: join(root, backend), backend, observer });
      }
      assert.ok(said.some((line) => line.startsWith("iterations are replayed from now")));
      const [expected, found] = await Promise.all(
        ["wasm", "webgpu"].map((backend) => logOf(join(root, backend))),
      );
      for (const [i, { losses }] of (expected ?? []).entries()) {
        for (const [loss, value] of Object.entries(losses)) {
          const other = found?.[i]?.losses[loss] ?? NaN;
          assert.ok(Math.abs(other - value) < 2e-3, `${i}: ${loss} ${other} ${value}`);
        }
      }
    }),
});

Deno.test("a network of four channels starts from one of three, is exported, and predicts", () =>
  inFolder(async (folder) => {
    const rgb: Format = { channels: 3, bitDepth: 8 };
    const [three, four] = [join(folder, "three"), join(folder, "four")];
    await writeScenes(three, rgb);
    await writeScenes(four, FOUR);
    const start = join(folder, "run3", "last.safetensors");
    const brief = ["iterations=1"];
    const ofThree = parseConfig(yamlOf(three, rgb), "three.yaml", brief);
    await train(ofThree, { out: dirname(start), backend: "wasm" });

    const said: string[] = [];
    const out = join(folder, "run4");
    const distance = "{name: self-training, featureDistance: {}}";
    const pretrained = `model.pretrained=${JSON.stringify(start)}`;
    const config = configOf(four, ...brief, pretrained, `method=${distance}`);
    const observer = { log: (line: string) => said.push(line) };
    await train(config, { out, backend: "wasm", observer });
    assert.ok(
      said.includes(
        "  1 adapted to the channels of the images: backbone.patch_embed1.proj.weight (3 to 4)",
      ),
      said.join("\n"),
    );
    assert.ok(
      said.some((line) =>
        line.startsWith("images of 4 channels of 16 bits: pictures show the first three")
      ),
    );

    const checkpoint = join(out, "last.safetensors");
    const picture = join(four, "images/val/0.tif");
    const outs = ["--out", join(folder, "labels"), ...WASM];
    const predicted = await call(predictMain, checkpoint, picture, ...outs);
    assert.equal(predicted.status, 0, predicted.error);
    const raster = await readRaster(picture, FOUR);
    using network = await loadNetwork(checkpoint, { backend: "wasm" });
    assert.equal((await network.predict(raster)).length, HEIGHT * WIDTH);
    await assert.rejects(
      network.predict({ width: 1, height: 1, data: new Uint8Array(3) }),
      {
        name: "RangeError",
        message: "Cannot label a picture of 3 channels of 8 bits: the network reads 4 " +
          "channels of 16 bits",
      },
    );
    assert.equal((await network.evaluate()).images, 2);

    const ofOthers = join(three, "images/val/0.tif");
    const refused = await call(predictMain, checkpoint, ofOthers, ...outs);
    assert.equal(refused.status, 1);
    assert.match(
      refused.error,
      /0\.tif" as an image: it has 3 channels, and "data\.channels" is 4: convert it, or/,
    );
    for (const setting of ["channels=3", "bitDepth=8"]) {
      const settings = ["--set", `data.${setting}`, "--set", "data.normalization=null"];
      const other = await call(predictMain, checkpoint, picture, ...settings, ...outs);
      assert.match(
        other.error,
        /Cannot set "data\.\w+" to \d .* reads 4 channels of 16 bits$/m,
      );
    }
    const onnx = await exportNetwork(checkpoint, join(folder, "four.onnx"));
    assert.equal(onnx.format, "onnx");
    await assert.rejects(
      exportNetwork(checkpoint, join(folder, "hf"), { format: "hf" }),
      /transformers reads RGB of 8 bits, and this network 4 channels of 16 bits/,
    );
    await assert.rejects(
      networkFrom(await Deno.readFile(checkpoint)),
      /in a page: its network reads images of 4 channels of 16 bits, and a page decodes/,
    );
    const back = parseConfig(yamlOf(three, rgb), "three.yaml", [
      ...brief,
      `model.pretrained=${JSON.stringify(checkpoint)}`,
    ]);
    await assert.rejects(
      train(back, { out: join(folder, "back"), backend: "wasm" }),
      /the file is of the variant with "data\.channels: 4"/,
    );
  }));

Deno.test("colors of 16 bits are jittered as those of 8 [wasm]", () =>
  inFolder(async (root) => {
    const jitter =
      "colorJitterProbability: 1, colorJitterStrength: 0.5, blurProbability: 0";
    const methods = [
      `{name: self-training, pseudoLabel: {threshold: 0}, mixing: {${jitter}}}`,
      `{name: weak-to-strong, confidenceThreshold: 0, strongAugmentation: {${jitter}}}`,
    ];
    const folderOf = (bitDepth: 8 | 16) => join(root, String(bitDepth));
    await writeScenes(folderOf(8), { channels: 3, bitDepth: 8 });
    await writeScenes(folderOf(16), { channels: 3, bitDepth: 16 });
    for (const file of ["train/0", "train/1", "train/2", "target/0", "target/1"]) {
      const pathIn = (bitDepth: 8 | 16) => `${folderOf(bitDepth)}/images/${file}.tif`;
      const picture = await readRaster(pathIn(8), { channels: 3, bitDepth: 8 });
      const data = Uint16Array.from(picture.data, (value) => 257 * value);
      await writeFile(pathIn(16), encodeTiff({ ...picture, data }));
    }
    const lossesOf = async (method: string, bitDepth: 8 | 16) => {
      const yaml = yamlOf(folderOf(bitDepth), { channels: 3, bitDepth });
      const settings = [`method=${method}`, "iterations=1", "data.resize=null"];
      const out = join(folderOf(bitDepth), `run${methods.indexOf(method)}`);
      await train(parseConfig(yaml, "x.yaml", settings), { out, backend: "wasm" });
      return (await logOf(out))[0]?.losses ?? assert.fail();
    };
    for (const method of methods) {
      const expected = await lossesOf(method, 8);
      const found = await lossesOf(method, 16);
      for (const [name, value] of Object.entries(expected)) {
        const other = found[name] ?? NaN;
        assert.ok(Math.abs(other - value) <= 1e-4 * value, `${name} ${other} ${value}`);
      }
    }
  }));

Deno.test("prepare() gives the statistics of the channels, which training asks for", () =>
  inFolder(async (root) => {
    await writeScenes(root, FOUR);
    const file = join(root, "four.yaml");
    await writeFile(file, yamlOf(root, FOUR));
    const open = parseConfig(yamlOf(root, FOUR), "four.yaml");
    await assert.rejects(train(open, { out: join(root, "run"), backend: "wasm" }), {
      name: "RangeError",
      message:
        /^Cannot train: "data\.normalization" is not given, .*"data\.channels" of 4:/,
    });
    const cache = join(root, "cache");
    const { report, cropPictures } = await prepare(file, { cache, workers: 0 });
    await assert.rejects(cropPictures(), {
      name: "RangeError",
      message: /^Cannot draw crops: "data\.normalization" is not given, .* of 4:/,
    });
    const sums = Array.from({ length: 4 }, () => [0, 0]);
    for (let i = 0; i < 3; i++) {
      const { data } = await readRaster(join(root, `images/train/${i}.tif`), FOUR);
      for (const [at, value] of data.entries()) {
        const channel = sums[at % 4] ?? [];
        channel[0] = (channel[0] ?? 0) + value;
        channel[1] = (channel[1] ?? 0) + value ** 2;
      }
    }
    const pixels = 3 * HEIGHT * WIDTH;
    const found = report.splits[0]?.normalization ?? assert.fail();
    for (const [c, [sum = 0, square = 0]] of sums.entries()) {
      const mean = sum / pixels;
      const std = Math.sqrt(square / pixels - mean ** 2);
      assert.ok(Math.abs((found.mean[c] ?? 0) / mean - 1) < 1e-5);
      assert.ok(Math.abs((found.std[c] ?? 0) / std - 1) < 1e-5);
    }
    assert.match(report.splits[0]?.notes.join() ?? "", /pictures show the first three/);
    const { out } = await call(prepareMain, file, "--cache", cache, "--workers", "0");
    const [line = ""] = /^ {2}normalization: .* # of "source"$/m.exec(out) ?? [];
    const { data } = parseConfig(yamlOf(root, FOUR, line.trim()), "four.yaml");
    assert.deepEqual(data.normalization, found);
  }));

Deno.test("data.normalization is ImageNet's of three channels, and has a number for each", () => {
  const dataOf = (format: Format, ...lines: string[]) =>
    parseConfig(yamlOf("x", format, ...lines), "x.yaml").data;
  assert.deepEqual(dataOf({ channels: 3, bitDepth: 8 }).normalization, {
    mean: [123.675, 116.28, 103.53],
    std: [58.395, 57.12, 57.375],
  });
  assert.deepEqual(dataOf({ channels: 3, bitDepth: 16 }).normalization.mean, [
    ...[123.675 * 257, 116.28 * 257, 103.53 * 257],
  ]);
  assert.throws(
    () => dataOf(FOUR, "normalization: { mean: [1, 2, 3], std: [1, 1, 1, 1] }"),
    /data\.normalization\.mean: must have a number for each of "data\.channels", 4: received 3/,
  );
  assert.throws(() => dataOf({ channels: 65, bitDepth: 8 }), /data\.channels: /);
});
