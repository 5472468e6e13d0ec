import assert from "node:assert/strict";
import { computeGradient } from "../../src/core/backward.ts";
import { openBackend, readBack } from "../../src/core/backend.ts";
import {
  EVAL_CONTEXT,
  type ForwardContext,
  type Network,
} from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { headNetwork } from "../../src/models/head_network.ts";
import { tinyNetwork } from "../train/tiny_network.ts";

const CONTEXT: ForwardContext = { training: true, rngKey: null };
const NETWORK = tinyNetwork(3);

/** A network that counts the passes of its encoder. */
function counting(): { network: Network; passes: () => number } {
  let passes = 0;
  const apply: Network["encoder"]["apply"] = (...args) => {
    passes++;
    return NETWORK.encoder.apply(...args);
  };
  return {
    network: {
      ...NETWORK,
      encoder: { ...NETWORK.encoder, apply },
      forward(weights, images, context) {
        const features = apply(weights, images, context);
        return { features, ...NETWORK.decode(weights, features, context) };
      },
    },
    passes: () => passes,
  };
}

const imagesOf = (value: number) => tf.fill([2, 16, 16, 3], value) as tf.Tensor4D;
const valuesOf = async (tensor: tf.Tensor) => {
  const values = [...await readBack(tensor)];
  tensor.dispose();
  return values;
};

Deno.test("headNetwork() encodes once for each call of a pass and batch, and learns heads alone", async () => {
  await openBackend("wasm");
  const { network, passes } = counting();
  const student = initializeWeights(network.parameters, 1);
  const images = [imagesOf(1), imagesOf(-2)];
  const before = tf.memory().numTensors;
  const head = headNetwork(network);
  const logitsOf = (i: number) =>
    tf.tidy(() =>
      head.network.forward(student, images[i] ?? assert.fail(), CONTEXT).logits
    );
  const expected = await Promise.all(
    images.map((one) =>
      valuesOf(tf.tidy(() => network.forward(student, one, CONTEXT).logits))
    ),
  );
  const direct = passes();
  const [one, other] = [{}, {}];
  for (const batch of [one, other, one, other]) {
    head.beginPass(batch, null);
    for (const i of [0, 1]) assert.deepEqual(await valuesOf(logitsOf(i)), expected[i]);
  }
  assert.equal(passes() - direct, 4, "two calls on two batches");

  head.beginPass(one, null);
  const gradient = computeGradient(
    head.network.parameters,
    student,
    () => tf.mean(logitsOf(0)),
  );
  assert.deepEqual([...gradient.keys()], ["head.conv_seg.weight", "head.conv_seg.bias"]);
  assert.equal(passes() - direct, 4);
  releaseWeights(gradient);
  head.clear();
  assert.equal(tf.memory().numTensors, before, "nothing is left behind");
  head.beginPass(one, null);
  logitsOf(0).dispose();
  assert.equal(passes() - direct, 5, "and computed again");
  head.clear();
  [student, new Map(images.entries())].forEach((set) => tf.dispose([...set.values()]));
});

Deno.test("headNetwork() keeps all that fixed weights give, and what the whole network captures", async () => {
  await openBackend("wasm");
  const { network, passes } = counting();
  const [student, teacher] = [1, 2].map((seed) =>
    initializeWeights(network.parameters, seed)
  ) as [ReturnType<typeof initializeWeights>, ReturnType<typeof initializeWeights>];
  const images = imagesOf(1);
  const head = headNetwork(network);
  const run = (network: Network, weights: typeof student, context = CONTEXT) =>
    valuesOf(tf.tidy(() => network.forward(weights, images, context).logits));
  const batch = {};
  head.beginPass(batch, teacher);
  const whole = head.captureMaps(() => run(head.whole, student));
  const labels = await run(head.network, teacher, EVAL_CONTEXT);
  assert.equal(passes(), 2);

  const moved = teacher.get("head.conv_seg.bias") ?? assert.fail();
  const learned = student.get("head.conv_seg.bias") ?? assert.fail();
  const changed = new Map([...student, ["head.conv_seg.bias", tf.add(learned, 1)]]);
  moved.dispose(); // not even looked at
  head.beginPass(batch, teacher);
  const shifted = await run(head.network, changed);
  const close = (await whole).every((value, i) =>
    Math.abs(value + 1 - (shifted[i] ?? NaN)) < 1e-6
  );
  assert.ok(close, "captured maps under a head that has moved");
  assert.deepEqual(await run(head.network, teacher, EVAL_CONTEXT), labels);
  assert.equal(passes(), 2);
  await run(head.whole, student);
  assert.equal(passes(), 3, "the whole network runs otherwise as ever");
  head.clear();
});
