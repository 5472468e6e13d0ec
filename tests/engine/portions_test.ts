// A batch that is learned from in portions gives the gradient of the whole.
import assert from "node:assert/strict";
import type { RunConfig } from "../../src/config/schema.ts";
import { readBack } from "../../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import type { HostBatch } from "../../src/core/host_batch.ts";
import { IGNORED } from "../../src/core/host_batch.ts";
import type { Layer, Network } from "../../src/core/network.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { startMethod } from "../../src/engine/method.ts";
import { freshLearner } from "../../src/engine/learner_file.ts";
import { classesOf } from "../../src/engine/data.ts";
import { classifier } from "../../src/layers/classifier.ts";
import { convModule } from "../../src/layers/conv_module.ts";
import { convolution } from "../../src/layers/convolution.ts";
import { dropout } from "../../src/layers/dropout.ts";
import { feedForward } from "../../src/layers/feed_forward.ts";
import { layerNorm } from "../../src/layers/layer_norm.ts";
import { parametersOf } from "../../src/layers/parameter.ts";
import { domainAdaptation } from "../../src/methods/domain_adaptation.ts";
import { featureAnchor } from "../../src/methods/feature_anchor.ts";
import { type Evaluation, releaseLosses } from "../../src/methods/learner.ts";
import { portionsOf } from "../../src/methods/portions.ts";
import { network as join } from "../../src/models/network.ts";
import { tinyConfig } from "../support/commands.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

const B = 4;
const SIDE = 16;

/** Layer norm, an MLP whose path is dropped, channels that are dropped, maybe batch norm. */
function smallNetwork(classes: number, normed: boolean): Network {
  const stem = convolution("stem", 3, 8, { kernel: 4, stride: 4 });
  const conv: Layer = normed
    ? convModule("conv", 8, 8, { kernel: 3 })
    : convolution("conv", 8, 8, { kernel: 3, padding: 1 });
  const norm = layerNorm("norm", 8, 1e-6);
  const mlp = feedForward("mlp", 8, 16);
  const classify = classifier("head", 8, classes, 0.3);
  return join(
    {
      parameters: parametersOf(stem, conv, norm, mlp),
      strides: [4],
      widths: [8],
      apply(weights, images, pass) {
        const x = conv.apply(weights, stem.apply(weights, images, pass), pass);
        const branch = mlp.apply(weights, norm.apply(weights, x, pass), pass);
        return [tf.add(x, dropout("mlp", branch, 0.5, "sample", pass))];
      },
    },
    {
      parameters: classify.parameters,
      apply: (weights, [map], pass) =>
        classify.apply(weights, map ?? assert.fail(), pass),
    },
    classes,
  );
}

/** Labels are ignored more often from image to image; the last one has none. */
function hostBatch(stream: string): HostBatch {
  const random = createRandom(5, stream);
  const pixels = B * SIDE ** 2;
  const images = () => Float32Array.from({ length: 3 * pixels }, () => random.normal());
  const names = Array.from({ length: B }, (_, i) => `${i}`);
  const labels = Uint8Array.from({ length: pixels }, (_, i) => {
    const image = Math.floor(i / SIDE ** 2);
    if (random.uniform() < image / (B - 1)) return IGNORED;
    return Math.floor(i / 16) % 3;
  });
  return {
    batch: B,
    height: SIDE,
    width: SIDE,
    source: { names, images: images(), labels },
    target: { names, images: images() },
  };
}

const ADAPTATION = "pseudoLabel: {threshold: 0.15, ignoreTop: 3}, " +
  "featureDistance: {weight: 0.5, classes: [0, 1], minimumShare: 0.2}";
const EVERYWHERE = "pseudoLabel: {threshold: 0.15}, featureDistance: {weight: 0.5}";

const configOf = (method: string, accumulate: number): RunConfig =>
  tinyConfig(
    `method=${method}`,
    "model.pretrained=x", // wanted by the feature distance, read by nobody here
    `data.crop={height: ${SIDE}, width: ${SIDE}}`,
    `data.batch=${B}`,
    `optimizer.accumulate=${accumulate}`,
  );

onEachBackend("the gradient of portions is that of the batch", async () => {
  const classes = 5;
  const network = smallNetwork(classes, false);
  const student = initialWeights(network.parameters, 1);
  const fresh = initialWeights(network.parameters, 2);
  // Larger ones are surer of themselves.
  const teacher = new Map([...fresh].map(([name, value]) => [name, tf.mul(value, 3)]));
  const frozen = initialWeights(network.encoder.parameters, 3);
  const batch = uploadBatch(hostBatch("one"));
  for (const anchored of [[0, 1], null]) {
    const evaluated = (accumulate: number): Evaluation => {
      const objective = domainAdaptation({
        network,
        seed: 3,
        reuse: false,
        shareDropout: false,
        accumulate,
        anchor: featureAnchor(network, frozen, {
          weight: 0.5,
          classes: anchored,
          minimumShare: 0.2,
        }),
        target: {
          pseudoLabel: { threshold: 0.25, ignoreTop: 3, ignoreBottom: 0 },
          mix: ({ target, source }, opinion) => ({
            images: tf.add(target?.images ?? assert.fail(), source.images),
            labels: tf.clone(opinion.labels),
            weights: tf.mul(opinion.weights, opinion.confidence),
          }),
        },
      });
      return objective.evaluate(student, teacher, batch, 6, "once");
    };
    const tensors = tf.memory().numTensors;
    const whole = evaluated(1);
    for (const parts of [2, 4]) {
      const cut = evaluated(parts);
      assert.deepEqual([...cut.losses.keys()], [...whole.losses.keys()]);
      for (const [name, loss] of whole.losses) {
        await assertClose(cut.losses.get(name) ?? assert.fail(), loss, 2e-6, name);
      }
      const sure = (await readBack(whole.losses.get("confident") ?? assert.fail()))[0];
      assert.ok(sure !== undefined && sure > 0 && sure < 1, `${sure} are sure`);
      assert.deepEqual(
        [...cut.gradient.keys()].sort(),
        [...whole.gradient.keys()].sort(),
      );
      for (const [name, slope] of whole.gradient) {
        await assertClose(cut.gradient.get(name) ?? assert.fail(), slope, 1e-5, name);
      }
      releaseLosses(cut.losses);
      releaseWeights(cut.gradient);
    }
    releaseLosses(whole.losses);
    releaseWeights(whole.gradient);
    assert.equal(tf.memory().numTensors, tensors, "nothing is left behind");
  }
  releaseBatch(batch);
  [student, fresh, teacher, frozen].forEach(releaseWeights);
});

const METHODS: Readonly<Record<string, string>> = {
  supervised: "{name: supervised}",
  "source-only": "{name: source-only}",
  "self-training": `{name: self-training, ${ADAPTATION}}`,
  "depth 2": `{name: future-self-training, depth: 2, ${ADAPTATION}, shareDropout: true}`,
  "depth 2 without reuse":
    `{name: future-self-training, depth: 2, ${EVERYWHERE}, reuse: false}`,
  "width 2": `{name: future-self-training, depth: 1, width: 2, ${EVERYWHERE}}`,
};

/** Losses of two iterations, and the numbers of batches that batch norm has counted. */
async function run(config: RunConfig, normed: boolean) {
  const classes = classesOf(config.data);
  const network = smallNetwork(classes.length, normed);
  const student = initialWeights(network.parameters, 1);
  const learner = freshLearner(network.parameters, student, true);
  const frozen = initialWeights(network.encoder.parameters, 3);
  const method = startMethod(config, classes, network, learner, frozen, () => {});
  const found: number[] = [];
  for (let t = 1; t < 3; t++) {
    const batches = Array.from(
      { length: method.batches },
      (_, i) => uploadBatch(hostBatch(`${t}/${i}`)),
    );
    const losses = method.iterate(learner, batches, t);
    for (const loss of losses.values()) found.push((await readBack(loss))[0] ?? NaN);
    releaseLosses(losses);
    batches.forEach(releaseBatch);
  }
  const counts: number[] = [];
  for (const [name, value] of student) {
    if (name.endsWith("batches_tracked")) counts.push(...await readBack(value));
  }
  method.release();
  const { teacher, moments: { first, second } } = learner;
  for (const set of [student, teacher, first, second, frozen]) {
    if (set !== null) releaseWeights(set);
  }
  return { found, counts };
}

for (const [name, method] of Object.entries(METHODS)) {
  onEachBackend(`${name}: iterations in portions go where whole ones go`, async () => {
    const whole = await run(configOf(method, 1), false);
    const cut = await run(configOf(method, 4), false);
    await assertClose(cut.found, whole.found, 1e-4, "losses");
  });
}

onEachBackend("batch norm takes every portion for a batch", async () => {
  const source = "{name: source-only}";
  assert.deepEqual((await run(configOf(source, 1), true)).counts, [2]);
  assert.deepEqual((await run(configOf(source, 2), true)).counts, [4]);
});

Deno.test("portions that cannot be equal are refused", () => {
  assert.throws(() => portionsOf(4, 3), /batch of 4 into 3 portions.*must divide it/);
  assert.throws(
    () => configOf("{name: supervised}", 3),
    /optimizer\.accumulate: must divide "data\.batch", 4: received 3/,
  );
});
