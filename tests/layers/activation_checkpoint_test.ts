// Checkpointed blocks give the same bits with less memory.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { lossAndGradient } from "../../src/core/backward.ts";
import { measurePeakBytes } from "../support/peak_bytes.ts";
import {
  type ForwardContext,
  type Network,
  type Weights,
} from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import {
  cloneWeights,
  initializeWeights,
  releaseWeights,
} from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { sequential } from "../../src/layers/sequential.ts";
import { parameter } from "../../src/layers/parameter.ts";
import { type ForwardSideEffects, studentContext } from "../../src/methods/learner.ts";
import {
  lossWithAuxiliary,
  meanCrossEntropy,
} from "../../src/objectives/cross_entropy.ts";
import { withActivationCheckpointing } from "../../src/models/encoder_decoder.ts";
import { tinyConfig } from "../support/commands.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";

const CLASSES = 5;
const MODELS = {
  mit:
    "{encoder: {name: mit, embedDims: [8, 8, 16, 16], depths: [2, 1, 2, 1], numHeads: [1, 1, 2, 2]," +
    " dropPathRate: 0.3}, decoder: {name: segformer, channels: 8}}",
  // Maps that both the next stage and the heads read.
  resnet:
    "{encoder: {name: resnet, depths: [2, 1, 2, 1], stemChannels: 8, baseChannels: 4}, decoder: " +
    "{name: deeplabv3+, channels: 8, lowLevelChannels: 4, dilations: [1, 2]}, " +
    "auxiliary: {name: fcn, channels: 8}}",
  swin:
    "{encoder: {name: swin, embedDim: 8, depths: [2, 1, 2, 1], numHeads: [1, 1, 2, 2], windowSize: 4}," +
    " decoder: {name: upernet, channels: 8, poolScales: [1, 2]}}",
  beit:
    "{encoder: {name: beit, embedDim: 16, depth: 4, numHeads: 2, outIndices: [0, 1, 2, 3], " +
    "imageSize: 64, dropPathRate: 0.3}, decoder: {name: upernet, channels: 8, poolScales: [1]}}",
  dinov2:
    "{encoder: {name: dinov2, embedDim: 16, depth: 4, numHeads: 2, outIndices: [0, 1, 2, 3], " +
    "imageSize: 56, registers: true, dropPathRate: 0.3}, decoder: {name: vfm-uda}}",
  "efficientnet-lite":
    "{encoder: {name: efficientnet-lite, widthCoefficient: 0.1, depthCoefficient: 0.5, " +
    "dropPathRate: 0.3}, decoder: {name: lraspp, channels: 8}}",
};

interface Outcome {
  /** Loss, gradient and weights, in bits. */
  readonly bits: Map<string, string>;
  readonly peakBytes: number;
  readonly leakedTensors: number;
  readonly statsUpdates: number;
}

async function lossAndGradientBits(network: Network, initial: Weights): Promise<Outcome> {
  const weights = cloneWeights(initial);
  const images = randomTensor<tf.Rank.R4>([2, 64, 64, 3]);
  const labels = tf.tensor(
    Int32Array.from({ length: 2 * 64 * 64 }, (_, i) => i % (CLASSES + 1)),
    [2, 64, 64],
    "int32",
  );
  const sideEffects: ForwardSideEffects = { usedRng: false, runningStatsUpdates: [] };
  const before = tf.memory().numTensors;
  const results: ReturnType<typeof lossAndGradient>[] = [];
  const peakBytes = measurePeakBytes(() => {
    tf.tidy(() => {
      const result = lossAndGradient(network.parameters, weights, () => {
        const context = studentContext(3, "mixed", 4, { sampleOffset: 0, sideEffects });
        return lossWithAuxiliary(
          network.forward(weights, images, context),
          (logits) => meanCrossEntropy(logits, labels, null, network.decoder),
        );
      });
      [result.value, ...result.gradient.values()].forEach(tf.keep);
      results.push(result);
    });
  });
  const { value, gradient } = results[0] ?? assert.fail();
  for (const { batchStatistics } of sideEffects.runningStatsUpdates) {
    tf.dispose([...batchStatistics]);
  }
  const leakedTensors = tf.memory().numTensors - before - gradient.size - 1;
  const named = [
    ["loss", value] as const,
    ...[...gradient].map(([name, tensor]) => [`gradient of ${name}`, tensor] as const),
    ...weights,
  ];
  const bits = new Map(
    await Promise.all(
      named.map(async ([name, tensor]) => [name, await bitsOf(tensor)] as const),
    ),
  );
  tf.dispose([value, images, labels]);
  [gradient, weights].forEach(releaseWeights);
  const statsUpdates = sideEffects.runningStatsUpdates.length;
  return { bits, peakBytes, leakedTensors, statsUpdates };
}

async function bitsOf(tensor: tf.Tensor): Promise<string> {
  const values = Float32Array.from(await readBack(tensor));
  return new Uint32Array(values.buffer).join();
}

for (const [name, model] of Object.entries(MODELS)) {
  onEachBackend(
    `withActivationCheckpointing() gives the same bits: ${name}`,
    async () => {
      const network = buildNetwork(tinyConfig(`model=${model}`).model, CLASSES);
      const initial = initializeWeights(network.parameters, 1);
      const stored = await lossAndGradientBits(network, initial);
      const recomputed = await lossAndGradientBits(
        withActivationCheckpointing(network),
        initial,
      );
      assert.deepEqual(recomputed.bits, stored.bits);
      assert.equal(
        recomputed.statsUpdates,
        stored.statsUpdates,
        "running statistics are updated once",
      );
      assert.deepEqual(
        [stored.leakedTensors, recomputed.leakedTensors],
        [0, 0],
        "no tensor is left behind",
      );
      assert.ok(
        recomputed.peakBytes < 0.8 * stored.peakBytes,
        `${recomputed.peakBytes} bytes with, ${stored.peakBytes} without`,
      );
      releaseWeights(initial);
    },
  );
}

onEachBackend(
  "activationCheckpoint() gives no gradient to an unused weight",
  async () => {
    const used = parameter("used", [3], "plain", { kind: "constant", value: 2 });
    const unused = parameter("unused", [3], "plain", { kind: "constant", value: 1 });
    const block = sequential([{
      parameters: [used, unused],
      apply: (weights, x) =>
        tf.mul(x, weights.get("used") ?? assert.fail()) as tf.Tensor4D,
    }]);
    const weights = initializeWeights(block.parameters, 1);
    const context: ForwardContext = {
      training: true,
      rngKey: null,
      activationCheckpointing: true,
    };
    const x = tf.ones([1, 2, 2, 3]) as tf.Tensor4D;
    const { gradient } = lossAndGradient(
      block.parameters,
      weights,
      () => tf.sum(block.apply(weights, x, context)),
    );
    assert.deepEqual([...gradient.keys()], ["used"]);
    const found = gradient.get("used") ?? assert.fail();
    assert.deepEqual([...await readBack(found)], [4, 4, 4]);
  },
);
