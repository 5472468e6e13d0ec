// A trained network leaves for other programs: ONNX Runtime labels a picture as predict
// does, Python opens the files, and what cannot be exported is refused with a sentence.
import assert from "node:assert/strict";
import { join } from "node:path";
import { loadNetwork } from "../../mod.ts";
import { openBackend, readBack } from "../../src/core/backend.ts";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { loadTrainedNetwork } from "../../src/evaluate/load_network.ts";
import { segformerFiles } from "../../src/export/segformer_folder.ts";
import { splitSections } from "../../src/weights/checkpoint.ts";
import { loadCheckpoint } from "../../src/weights/checkpoint_file.ts";
import { readWeights } from "../../src/weights/read_weights.ts";
import { main as exportTask } from "../../tasks/export.ts";
import { assertClose, randomTensor } from "../support/compare.ts";
import { assertRefused, call, tinyConfig, TWO_RESOLUTIONS } from "../support/commands.ts";
import {
  channelsFirst,
  exportedNetwork,
  noiseImages,
  releaseExported,
} from "../support/exported.ts";
import { namesIn } from "../support/files.ts";
import { HAS_ONNX_RUNTIME, openOnnx } from "../support/onnx_runtime.ts";
import { plainPng, RGB } from "../data/plain_png.ts";
import { hasModules, openWithPython } from "../export/python.ts";
import { withRun } from "./trained_run.ts";

const hasOnnx = await hasModules("onnx");
const hasTransformers = await hasModules("transformers", "torch", "PIL");

// ONNX Runtime keeps threads of its own.
const RUNTIME = {
  ignore: !HAS_ONNX_RUNTIME,
  sanitizeOps: false,
  sanitizeResources: false,
} as const;

async function exported(...args: string[]) {
  const ended = await call(exportTask, ...args, "--json");
  assert.equal(ended.status, 0, ended.error);
  return JSON.parse(ended.out);
}

Deno.test({
  name: "export writes a file from which ONNX Runtime labels as predict does",
  ...RUNTIME,
  fn: () =>
    withRun(async (checkpoint, folder) => {
      const out = join(folder, "new", "labels.onnx");
      const result = await exported(checkpoint, out, "--argmax");
      assert.deepEqual(
        [result.format, result.files, result.size, result.batch],
        ["onnx", [out], null, null],
      );
      const [H, W] = [45, 70];
      const images = noiseImages([1, H, W]);
      const data = Uint8Array.from(await readBack(images));
      using network = await loadNetwork(checkpoint, { backend: "wasm" });
      const expected = await network.predict({ width: W, height: H, data });
      const session = await openOnnx(await Deno.readFile(out));
      const labels = await session.run(await channelsFirst(images), [1, 3, H, W]);
      const same = expected.filter((label, i) => label === labels.data[i]).length;
      assert.ok(same >= 0.999 * H * W, `${same} of ${H * W} labels agree`);
      images.dispose();
    }),
});

Deno.test("export says what predict does and the file does not", () =>
  withRun(async (checkpoint, folder) => {
    const sets = [
      "evaluation.mode=slide",
      "evaluation.windowSize={height: 40, width: 48}",
      "evaluation.stride={height: 20, width: 24}",
      "data.resize={height: 64, width: 80}",
    ].flatMap((one) => ["--set", one]);
    const { notes } = await exported(checkpoint, join(folder, "a.onnx"), ...sets);
    assert.equal(notes.length, 2);
    assert.match(notes[0], /into 64×80 first/);
    assert.match(notes[1], /window of 40×48/);
  }));

Deno.test({
  name: "export writes files that onnx.checker accepts",
  ignore: !hasOnnx,
  fn: () =>
    withRun(async (checkpoint, folder) => {
      const variants = [[], ["--argmax", "--half"], ["--raw", "--size", "45x70"]];
      const files = variants.map((_, i) => join(folder, `${i}.onnx`));
      for (const [i, more] of variants.entries()) {
        await exported(checkpoint, files[i] ?? "", ...more);
      }
      await openWithPython("onnx", ...files);
    }),
});

Deno.test({
  name:
    "export writes for transformers.js what the decoder computes of normalized images",
  ...RUNTIME,
  fn: () =>
    withRun(async (checkpoint, folder) => {
      await exported(checkpoint, join(folder, "hub"), "--format", "hf");
      const file = await Deno.readFile(join(folder, "hub", "onnx", "model.onnx"));
      const { network, weights } = await loadTrainedNetwork(checkpoint, {
        backend: "wasm",
      });
      const images = randomTensor<tf.Rank.R4>([2, 37, 50, 3]);
      const expected = tf.tidy(() => {
        const { logits } = network.forward(weights, images, EVAL_CONTEXT);
        return tf.transpose(logits, [0, 3, 1, 2]);
      });
      const session = await openOnnx(file);
      const { name, data } = await session.run(
        await channelsFirst(images),
        [2, 3, 37, 50],
      );
      assert.equal(name, "logits");
      await assertClose(data, expected, 1e-4);
      tf.dispose([images, expected, ...weights.values()]);
    }),
});

Deno.test("export writes a SegFormer folder that readWeights() reads back", () =>
  withRun(async (checkpoint, folder) => {
    const out = join(folder, "hub");
    const { files, bytes } = await exported(checkpoint, out, "--format", "hf");
    assert.deepEqual(await namesIn(out), [
      "config.json",
      "model.safetensors",
      "onnx",
      "preprocessor_config.json",
    ]);
    assert.equal(files.length, 4);
    assert.ok(bytes > 1000);
    const { tensors, namingScheme } = await readWeights(join(out, "model.safetensors"));
    const { student } = splitSections((await loadCheckpoint(checkpoint)).tensors);
    assert.equal(namingScheme, "hf-segformer");
    for (const [name, { shape, bytes }] of student) {
      if (/conv_seg/.test(name)) continue; // transformers does not have it
      const found = tensors.get(name) ?? assert.fail(name);
      assert.deepEqual(found.shape, shape, name);
      assert.ok(bytes.every((byte, i) => byte === found.bytes[i]), name);
    }
    await exported(checkpoint, out, "--format", "hf", "--half", "--force");
    const half = await readWeights(join(out, "model.safetensors"));
    const name = "decode_head.linear_pred.weight";
    const stored = half.tensors.get(name) ?? assert.fail(name);
    const full = new Float32Array(
      student.get(name)?.bytes.slice().buffer ?? assert.fail(),
    );
    const expected = new Uint8Array(Float16Array.from(full).buffer);
    assert.equal(stored.dtype, "F16");
    assert.ok(expected.every((byte, i) => byte === stored.bytes[i]));
  }));

Deno.test({
  name: "transformers computes what a SegFormer computes here",
  ignore: !hasTransformers,
  fn: () =>
    withRun(async (checkpoint, folder) => {
      const out = join(folder, "hub");
      await exported(checkpoint, out, "--format", "hf");
      const [H, W] = [64, 96];
      const images = noiseImages([1, H, W]);
      const picture = join(folder, "picture.png");
      const pixels = Uint8Array.from(await readBack(images));
      const sample = (i: number, channel: number) => pixels[3 * i + channel] ?? 0;
      await Deno.writeFile(picture, plainPng(W, H, RGB, 8, sample));
      const { network, weights, config, classes } = await loadTrainedNetwork(checkpoint, {
        backend: "wasm",
      });
      const { mean, std } = config.data.normalization;
      const expected = tf.tidy(() => {
        const x = tf.div(tf.sub(images, [...mean]), [...std]) as tf.Tensor4D;
        const { logits } = network.forward(weights, x, EVAL_CONTEXT);
        return tf.transpose(logits, [0, 3, 1, 2]);
      });
      const found = JSON.parse(await openWithPython("transformers", out, picture));
      assert.deepEqual([found.missing, found.unexpected], [[], []]);
      assert.deepEqual(found.shape, expected.shape);
      assert.deepEqual(Object.values(found.labels), classes.map(({ name }) => name));
      // Its layer norms have ε 1e-5 where the authors' have 1e-6.
      await assertClose(found.logits, expected, 1e-4, "logits");
      tf.dispose([images, expected, ...weights.values()]);
    }),
});

Deno.test("export refuses what it cannot do with a sentence", () =>
  withRun(async (checkpoint, folder) => {
    const inFolder = (name: string) => join(folder, name);
    const there = inFolder("there.onnx");
    await Deno.writeTextFile(there, "a file");
    const refused: readonly (readonly [args: string[], ...culprits: string[]])[] = [
      [[checkpoint, inFolder("network.pt")], "network.pt", ".onnx", "--format hf"],
      [[checkpoint, inFolder("network.pt"), "--format", "onnx"], "network.pt", ".onnx"],
      [[checkpoint, there], "there.onnx", "--force"],
      [[checkpoint, inFolder("a.onnx"), "--size", "64"], '"64"', "512x1024"],
      [[checkpoint, inFolder("a.onnx"), "--size", "0x64"], '"0x64"'],
      [[checkpoint, inFolder("a.onnx"), "--teacher", "--student"], "--student"],
      [[inFolder("none.safetensors"), inFolder("a.onnx")], "none.safetensors"],
      [[checkpoint, inFolder("hub"), "--format", "hf", "--argmax"], "--argmax"],
      [[checkpoint, inFolder("hub"), "--format", "hf", "--size", "8x8"], "--size"],
    ];
    for (const [args, ...culprits] of refused) {
      assertRefused(await call(exportTask, ...args), ...culprits);
    }
    assert.equal(await Deno.readTextFile(there), "a file");
    const unknown = await call(
      exportTask,
      checkpoint,
      inFolder("a.onnx"),
      "--format",
      "tf",
    );
    assert.equal(unknown.status, 2);
    assert.match(unknown.error, /onnx, hf/);
    await exported(checkpoint, there, "--force");
    const names = (await namesIn(folder)).filter((name) => !/^(run|tiny)/.test(name));
    assert.deepEqual(names, ["there.onnx"], "nothing else was written");
  }));

Deno.test("segformerFiles() refuses other networks", async () => {
  await openBackend("wasm");
  const refused: readonly (readonly [overrides: readonly string[], reason: RegExp])[] = [
    [
      ["model.decoder={name: deeplabv2, dilations: [1]}"],
      /"run.safetensors" with --format hf: .*"mit" with "deeplabv2"; --format onnx/,
    ],
    [
      ["model.decoder={name: segformer}", ...TWO_RESOLUTIONS],
      /"run.safetensors" with --format hf: .*"model.multiResolution" .*; --format onnx/,
    ],
  ];
  for (const [overrides, reason] of refused) {
    const config = tinyConfig(...overrides);
    const network = exportedNetwork(buildNetwork(config.model, 3));
    await assert.rejects(
      segformerFiles(network, config, false, "run.safetensors"),
      reason,
    );
    releaseExported(network);
  }
});
