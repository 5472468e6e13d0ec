// A network that is declared outside of the library. Its published weights and CamVid are
// not kept in this repository; without them next to it their tests are reported as ignored.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadNetwork, parseConfig, train } from "../../mod.ts";
import {
  EVAL_CONTEXT,
  openBackend,
  predictCustomNetwork,
  readImage,
  weightOf,
} from "../../nn.ts";
import {
  initializeWeights,
  openTorchFile,
  pytorchShape,
  releaseWeights,
} from "../../weights.ts";
import { CAMVID_CLASSES } from "../../config.ts";
import { ESPNET_CAMVID } from "../../examples/espnet/camvid.ts";
import { weightsFromTorch } from "../../examples/espnet/load_weights.ts";
import { espnet } from "../../examples/espnet/espnet.ts";
import { exportEspnet } from "../../examples/espnet/export.ts";
import { evaluateEspnet } from "../../examples/espnet/evaluate.ts";
import { readBack } from "../../src/core/backend.ts";
import { lossAndGradient } from "../../src/core/backward.ts";
import * as tf from "../../src/core/tf.ts";
import { assertGradients, onEachBackend, randomTensor } from "../support/mod.ts";
import { assertSameLogits } from "../support/exported.ts";
import { inFolder } from "../support/files.ts";
import { HAS_ONNX_RUNTIME } from "../support/onnx_runtime.ts";
import { tinyRun } from "../support/tiny_run.ts";

const shared = (path: string) =>
  fileURLToPath(new URL(`../../../shared/data/${path}`, import.meta.url));
const CHECKPOINT = shared("weights/espnet_camvid/espnet_p_2_q_8_camvid.pth");
const CAMVID = shared("camvid");
const isAbsent = !existsSync(CHECKPOINT) || !existsSync(CAMVID);

const published = () => espnet({ classes: CAMVID_CLASSES.length, unused: 1 });

Deno.test("ESPNet with p = 2 and q = 8 has as many weights as its authors' file", () => {
  const { parameters } = published();
  const sizes = parameters.map(({ shape }) => shape.reduce((all, side) => all * side, 1));
  assert.equal(parameters.length, 189);
  assert.equal(sizes.reduce((sum, size) => sum + size, 0), 358_193);
});

Deno.test({
  name: "the published file is what ESPNet declares, name by name and shape by shape",
  ignore: isAbsent,
  async fn() {
    await using file = await openTorchFile(CHECKPOINT);
    assert.deepEqual(
      published().parameters.map((one) => [one.name, pytorchShape(one)]),
      [...file.tensors].map(([name, { shape }]) => [name, shape]),
    );
  },
});

Deno.test({
  name: "exportEspnet() writes the published weights as an ONNX file",
  ignore: isAbsent || !HAS_ONNX_RUNTIME,
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    inFolder(async (folder) => {
      const out = join(folder, "espnet.onnx");
      const { size, notes } = await exportEspnet(CHECKPOINT, out);
      assert.deepEqual([size, notes], [null, []]);
      const network = published();
      const weights = await weightsFromTorch(network, CHECKPOINT);
      const normalization = ESPNET_CAMVID;
      const exported = {
        network,
        weights,
        classes: [],
        normalization,
        bitDepth: 8,
      } as const;
      await assertSameLogits(await Deno.readFile(out), exported);
      releaseWeights(weights);
    }),
});

onEachBackend("ESPNet takes a picture of odd size", async () => {
  const network = espnet({ classes: 4, unused: 1, p: 1, q: 1 });
  const weights = initializeWeights(network.parameters, 0);
  const before = tf.memory().numTensors;
  const logits = tf.tidy(() =>
    network.forward(weights, randomTensor<tf.Rank.R4>([1, 37, 51, 3]), EVAL_CONTEXT)
      .logits
  );
  assert.deepEqual(logits.shape, [1, 38, 52, 4]);
  assert.ok((await readBack(logits)).every(Number.isFinite));
  logits.dispose();
  assert.equal(tf.memory().numTensors, before, "no tensor is left behind");
  releaseWeights(weights);
});

onEachBackend("the gradient reaches every parameter of ESPNet", async () => {
  const network = espnet({ classes: 4, unused: 1, p: 1, q: 1 });
  const weights = initializeWeights(network.parameters, 0);
  const images = randomTensor<tf.Rank.R4>([2, 37, 51, 3]);
  const { gradient } = lossAndGradient(network.parameters, weights, () => {
    const context = { training: true, rngKey: null };
    const { logits } = network.forward(weights, images, context);
    return tf.sum(tf.mul(logits, randomTensor(logits.shape, "loss")));
  });
  for (const one of network.parameters.filter(({ trainable }) => trainable)) {
    const slope = weightOf(gradient, one);
    assert.deepEqual(slope.shape, one.shape, one.name);
    const numbers = await readBack(slope);
    assert.ok(numbers.every(Number.isFinite), `${one.name} is finite`);
    assert.ok(numbers.some((cell) => cell !== 0), `${one.name} is reached`);
  }
  releaseWeights(weights);
});

onEachBackend("the gradients of PReLU are right for maps and slopes", async () => {
  // Away from the corner at 0, where differences would straddle it.
  const x = tf.tidy(() => {
    const some = randomTensor([2, 3, 4, 5]);
    return tf.add(some, tf.mul(tf.sign(some), 0.2));
  });
  await assertGradients(
    (x = tf.scalar(0), slope = tf.scalar(0)) => tf.prelu(x, slope),
    [x, randomTensor([5], "slope")],
  );
});

// Figures of this implementation on twelve evenly spread images; on all 101 it has the
// mIoU 0.6908 and the pixel accuracy 0.9321 of the reference.
const TWELVE = { mIoU: 0.7020, pixelAccuracy: 0.9364 };

Deno.test({
  name: "the published weights reach their figures on CamVid",
  ignore: isAbsent || !HAS_ONNX_RUNTIME,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const result = await evaluateEspnet({
      checkpoint: CHECKPOINT,
      root: CAMVID,
      images: 12,
      backend: "wasm",
    });
    assert.equal(result.images, 12);
    assert.deepEqual(
      result.classes.map(({ name }) => name),
      CAMVID_CLASSES.map(({ name }) => name),
    );
    for (const figure of ["mIoU", "pixelAccuracy"] as const) {
      const difference = Math.abs(result[figure] - TWELVE[figure]);
      assert.ok(difference < 5e-4, `${figure} is ${result[figure]}`);
    }
  },
});

const withFiles = isAbsent
  ? (name: string) => Deno.test.ignore(name, () => {})
  : onEachBackend;

withFiles(
  "the published weights label a picture alike everywhere",
  async (backend: "wasm" | "webgpu") => {
    const network = published();
    const { data, width } = await readImage(
      join(CAMVID, "images/val/0016E5_07959.jpg"),
    );
    // A part of it, for the sake of software drivers.
    const [left, top, size] = [160, 120, 96];
    const part = new Uint8Array(3 * size * size);
    for (let row = 0; row < size; row++) {
      const start = 3 * ((top + row) * width + left);
      part.set(data.subarray(start, start + 3 * size), 3 * size * row);
    }
    const picture = { width: size, height: size, data: part };
    const labelsOn = async (name: "wasm" | "webgpu") => {
      await openBackend(name);
      const weights = await weightsFromTorch(network, CHECKPOINT);
      const own = { network, weights, normalization: ESPNET_CAMVID };
      const labels = await predictCustomNetwork(own, picture);
      releaseWeights(weights);
      return labels;
    };
    const here = await labelsOn(backend);
    const there = await labelsOn("wasm");
    const same = here.filter((id, i) => id === there[i]).length;
    assert.ok(same / here.length > 0.999, `${same} of ${here.length} labels are alike`);
    assert.ok(new Set(here).size > 2, "several classes are seen");
  },
);

Deno.test({
  name: "a network of one's own is trained, saved and loaded again",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const out = await Deno.makeTempDir();
    try {
      const makeNetwork = (classes: number) => espnet({ classes, p: 1, q: 1 });
      const config = parseConfig(
        tinyRun(2, "{ name: self-training, lookAhead: {} }"),
        "inline",
      );
      const { status, summary } = await train(config, {
        out,
        backend: "wasm",
        makeNetwork,
      });
      assert.equal(status, "finished");
      const file = join(out, "last.safetensors");
      using loaded = await loadNetwork(file, { backend: "wasm", makeNetwork });
      const { mIoU } = await loaded.evaluate();
      assert.equal(mIoU, summary?.evaluation.mIoU);
      await assert.rejects(loadNetwork(file, { backend: "wasm" }), /another network/);
    } finally {
      await Deno.remove(out, { recursive: true });
    }
  },
});
