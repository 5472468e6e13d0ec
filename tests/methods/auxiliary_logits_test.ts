// A network with one weight per head: the student loss is that of the decoder plus the
// weighted losses of the auxiliary heads.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import type { Network, Weights } from "../../src/core/network.ts";
import { releaseWeights } from "../../src/core/weights.ts";
import * as tf from "../../src/core/tf.ts";
import { domainAdaptation } from "../../src/methods/domain_adaptation.ts";
import { releaseLosses } from "../../src/methods/learner.ts";
import { onEachBackend } from "../support/mod.ts";
import { tinyParameter } from "./tiny_learner.ts";
import { crossEntropyCriterion } from "../../src/objectives/criterion.ts";

const parameters = [tinyParameter("main"), tinyParameter("auxiliary")];

/** Logits (0, w) at every pixel: the loss of label 1 is log(1 + e⁻ʷ). */
function logitsOf(weights: Weights, name: string, images: tf.Tensor4D): tf.Tensor4D {
  const [B, H, W] = images.shape;
  const weight = weights.get(name) ?? tf.scalar(NaN);
  const second = tf.add(tf.zeros([B, H, W, 1]), weight);
  return tf.concat([tf.zeros([B, H, W, 1]), second], 3) as tf.Tensor4D;
}

const network = (lossWeight: number | null) => ({
  parameters,
  classCount: 2,
  decoder: {},
  forward: (weights: Weights, images: tf.Tensor4D) => ({
    features: [],
    logits: logitsOf(weights, "main", images),
    auxiliaryLogits: lossWeight === null
      ? []
      : [{ logits: logitsOf(weights, "auxiliary", images), lossWeight }],
  }),
} as unknown as Network); // no other member is read

const loss = (weight: number) => Math.log(1 + Math.exp(-weight));
const gradientOf = (weight: number) => -1 / (1 + Math.exp(weight));

onEachBackend("domainAdaptation() adds weighted auxiliary losses", async () => {
  const batch = uploadBatch({
    batchSize: 1,
    height: 2,
    width: 2,
    source: {
      fileNames: ["x"],
      images: new Float32Array(12),
      labels: Uint8Array.of(1, 1, 1, 1),
    },
    target: null,
  });
  const student: Weights = new Map([
    ["main", tf.tensor1d([0.5])],
    ["auxiliary", tf.tensor1d([-1])],
  ]);
  for (const lossWeight of [0.4, null]) {
    const { forwardBackward } = domainAdaptation({
      criterion: crossEntropyCriterion("all"),
      network: network(lossWeight),
      seed: 0,
      target: null,
      featureDistance: null,
      reuse: false,
      shareDropout: false,
    });
    const { gradient, losses } = forwardBackward(student, null, batch, 0, "off");
    const [total = NaN] = await readBack(losses.get("source") ?? tf.scalar(NaN));
    const gradients = new Map<string, number>();
    for (const [name, value] of gradient) {
      gradients.set(name, (await readBack(value))[0] ?? NaN);
    }
    const weight = lossWeight ?? 0;
    const assertNear = (a: number, b: number) =>
      assert.ok(Math.abs(a - b) < 1e-6, `${a}, ${b}`);
    assertNear(total, loss(0.5) + weight * loss(-1));
    assertNear(gradients.get("main") ?? NaN, gradientOf(0.5));
    assertNear(gradients.get("auxiliary") ?? 0, weight * gradientOf(-1));
    releaseWeights(gradient);
    releaseLosses(losses);
  }
  releaseWeights(student);
  releaseBatch(batch);
});
