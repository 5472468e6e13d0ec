// Blocks that are computed again give the same bits with less memory.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { gradientOf } from "../../src/core/gradient.ts";
import { peakBytesOf } from "../../src/core/live_bytes.ts";
import { type Network, type Pass, type Weights } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { copyWeights, initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/engine/build.ts";
import { chain } from "../../src/layers/chain.ts";
import { parameter } from "../../src/layers/parameter.ts";
import { type Observed, studentPass, supervise } from "../../src/methods/student_pass.ts";
import { recomputing } from "../../src/models/network.ts";
import { tinyConfig } from "../support/commands.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";

const CLASSES = 5;
const MODELS = {
  mit:
    "{encoder: {name: mit, widths: [8, 8, 16, 16], depths: [2, 1, 2, 1], heads: [1, 1, 2, 2]," +
    " dropPath: 0.3}, decoder: {name: segformer, channels: 8}}",
  // Maps that both the next stage and the heads read.
  resnet:
    "{encoder: {name: resnet, depths: [2, 1, 2, 1], stem: 8, planes: 4}, decoder: " +
    "{name: deeplabv3+, channels: 8, fineChannels: 4, dilations: [1, 2]}, " +
    "auxiliary: {name: fcn, channels: 8}}",
  swin:
    "{encoder: {name: swin, width: 8, depths: [2, 1, 2, 1], heads: [1, 1, 2, 2], window: 4}," +
    " decoder: {name: upernet, channels: 8, bins: [1, 2]}}",
  beit: "{encoder: {name: beit, width: 16, depth: 4, heads: 2, outputs: [0, 1, 2, 3], " +
    "imageSize: 64, dropPath: 0.3}, decoder: {name: upernet, channels: 8, bins: [1]}}",
};

interface Outcome {
  /** Loss, gradient and weights, in bits. */
  readonly bits: Map<string, string>;
  readonly peak: number;
  readonly left: number;
  readonly changes: number;
}

async function learn(network: Network, start: Weights): Promise<Outcome> {
  const weights = copyWeights(start);
  const images = randomTensor<tf.Rank.R4>([2, 64, 64, 3]);
  const labels = tf.tensor(
    Int32Array.from({ length: 2 * 64 * 64 }, (_, i) => i % (CLASSES + 1)),
    [2, 64, 64],
    "int32",
  );
  const observed: Observed = { drew: false, changes: [] };
  const before = tf.memory().numTensors;
  const results: ReturnType<typeof gradientOf>[] = [];
  const peak = peakBytesOf(() => {
    tf.tidy(() => {
      const found = gradientOf(network.parameters, weights, () => {
        const pass = studentPass(3, "mixed", 4, observed);
        return supervise(network, network.forward(weights, images, pass), labels, null);
      });
      [found.value, ...found.gradient.values()].forEach(tf.keep);
      results.push(found);
    });
  });
  const { value, gradient } = results[0] ?? assert.fail();
  for (const { reads } of observed.changes) tf.dispose([...reads]);
  const left = tf.memory().numTensors - before - gradient.size - 1;
  const bits = new Map([["loss", await bitsOf(value)]]);
  for (const [name, one] of gradient) bits.set(`gradient of ${name}`, await bitsOf(one));
  for (const [name, one] of weights) bits.set(name, await bitsOf(one));
  tf.dispose([value, images, labels]);
  [gradient, weights].forEach(releaseWeights);
  return { bits, peak, left, changes: observed.changes.length };
}

async function bitsOf(tensor: tf.Tensor): Promise<string> {
  const cells = Float32Array.from(await readBack(tensor));
  return new Uint32Array(cells.buffer).join();
}

for (const [name, model] of Object.entries(MODELS)) {
  onEachBackend(`${name}: what is computed again has the same bits`, async () => {
    const network = buildNetwork(tinyConfig(`model=${model}`).model, CLASSES);
    const start = initialWeights(network.parameters, 1);
    const kept = await learn(network, start);
    const again = await learn(recomputing(network), start);
    assert.deepEqual(again.bits, kept.bits);
    assert.equal(again.changes, kept.changes, "batch norm counts a batch once");
    assert.deepEqual([kept.left, again.left], [0, 0], "no tensor is left behind");
    assert.ok(
      again.peak < 0.8 * kept.peak,
      `${again.peak} bytes with, ${kept.peak} without`,
    );
    releaseWeights(start);
  });
}

onEachBackend("a weight that a block does not read gets no gradient", async () => {
  const used = parameter("used", [3], "plain", { kind: "constant", value: 2 });
  const unused = parameter("unused", [3], "plain", { kind: "constant", value: 1 });
  const block = chain([{
    parameters: [used, unused],
    apply: (weights, x) => tf.mul(x, weights.get("used") ?? assert.fail()) as tf.Tensor4D,
  }]);
  const weights = initialWeights(block.parameters, 1);
  const pass: Pass = { training: true, chance: null, recompute: true };
  const x = tf.ones([1, 2, 2, 3]) as tf.Tensor4D;
  const { gradient } = gradientOf(
    block.parameters,
    weights,
    () => tf.sum(block.apply(weights, x, pass)),
  );
  assert.deepEqual([...gradient.keys()], ["used"]);
  const found = gradient.get("used") ?? assert.fail();
  assert.deepEqual([...await readBack(found)], [4, 4, 4]);
});
