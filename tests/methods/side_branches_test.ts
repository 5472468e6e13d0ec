// A network of one number per branch: the loss that a student sees is that of its
// prediction and, by their weights, those of the branches beside it.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import type { Network, Weights } from "../../src/core/network.ts";
import { releaseWeights } from "../../src/core/weights.ts";
import * as tf from "../../src/core/tf.ts";
import { domainAdaptation } from "../../src/methods/domain_adaptation.ts";
import { releaseLosses } from "../../src/methods/learner.ts";
import { onEachBackend } from "../support/mod.ts";

const parameter = (name: string) => ({
  name,
  shape: [1],
  layout: "plain",
  initial: { kind: "constant", value: 0 },
  trained: true,
} as const);

const parameters = [parameter("main"), parameter("beside")];

/** Logits (0, w) at every pixel: the loss of label 1 is log(1 + e⁻ʷ). */
function logitsOf(weights: Weights, name: string, images: tf.Tensor4D): tf.Tensor4D {
  const [B, H, W] = images.shape;
  const weight = weights.get(name) ?? tf.scalar(NaN);
  const second = tf.add(tf.zeros([B, H, W, 1]), weight);
  return tf.concat([tf.zeros([B, H, W, 1]), second], 3) as tf.Tensor4D;
}

const network = (lossWeight: number | null) => ({
  parameters,
  classes: 2,
  decoder: {},
  forward: (weights: Weights, images: tf.Tensor4D) => ({
    features: [],
    logits: logitsOf(weights, "main", images),
    sides: lossWeight === null
      ? []
      : [{ logits: logitsOf(weights, "beside", images), lossWeight }],
  }),
} as unknown as Network); // the evaluation reads nothing else

const loss = (weight: number) => Math.log(1 + Math.exp(-weight));
const slope = (weight: number) => -1 / (1 + Math.exp(weight));

onEachBackend("branches beside the prediction count by their weights", async () => {
  const batch = uploadBatch({
    batch: 1,
    height: 2,
    width: 2,
    source: {
      names: ["x"],
      images: new Float32Array(12),
      labels: Uint8Array.of(1, 1, 1, 1),
    },
    target: null,
  });
  const student: Weights = new Map([
    ["main", tf.tensor1d([0.5])],
    ["beside", tf.tensor1d([-1])],
  ]);
  for (const lossWeight of [0.4, null]) {
    const { evaluate } = domainAdaptation({
      network: network(lossWeight),
      seed: 0,
      target: null,
      anchor: null,
      reuse: false,
      shareDropout: false,
    });
    const { gradient, losses } = evaluate(student, null, batch, 0, "once");
    const [total = NaN] = await readBack(losses.get("source") ?? tf.scalar(NaN));
    const slopes = new Map<string, number>();
    for (const [name, value] of gradient) {
      slopes.set(name, (await readBack(value))[0] ?? NaN);
    }
    const weight = lossWeight ?? 0;
    const close = (a: number, b: number) =>
      assert.ok(Math.abs(a - b) < 1e-6, `${a}, ${b}`);
    close(total, loss(0.5) + weight * loss(-1));
    close(slopes.get("main") ?? NaN, slope(0.5));
    close(slopes.get("beside") ?? 0, weight * slope(-1));
    releaseWeights(gradient);
    releaseLosses(losses);
  }
  releaseWeights(student);
  releaseBatch(batch);
});
