import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readBack } from "../../src/core/backend.ts";
import { gradientOf } from "../../src/core/gradient.ts";
import { EVALUATION } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { isaHead } from "../../src/models/isa_head.ts";
import { verifyFile } from "../../src/verify/mod.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";

const GOLDEN = fileURLToPath(new URL("../golden/head_isa.json", import.meta.url));
const OPTIONS = { classes: 5, channels: 8, relationChannels: 6, cell: 4, dropout: 0.1 };
const tiny = () => isaHead("decode_head", [12, 16], OPTIONS);

onEachBackend("isaHead() is mmsegmentation's", async () => {
  const results = await verifyFile(GOLDEN);
  assert.deepEqual(results.filter(({ passed }) => !passed), []);
  assert.equal(results.length, 82);
});

Deno.test("isaHead() has the parameters of mmsegmentation in their order", async () => {
  const { tensors } = JSON.parse(await Deno.readTextFile(GOLDEN));
  const names = Object.keys(tensors).filter((key) => key.startsWith("weights/"));
  assert.deepEqual(tiny().parameters.map(({ name }) => `weights/${name}`), names);
});

Deno.test("isaHead() has as many parameters on ResNet as the reference", () => {
  // mmsegmentation's ISAHead of configs/isanet with 19 classes.
  const { parameters } = isaHead("decode_head", [256, 512, 1024, 2048], {
    classes: 19,
    channels: 512,
    relationChannels: 256,
    cell: 8,
    dropout: 0.1,
  });
  const sizes = parameters.filter(({ trained }) => trained)
    .map(({ shape }) => shape.reduce((size, side) => size * side, 1));
  assert.equal(sizes.reduce((sum, size) => sum + size, 0), 11_815_443);
});

// Smaller than a cell, a multiple of it, and neither.
for (const [H, W] of [[1, 3], [8, 4], [5, 7]] as const) {
  onEachBackend(`isaHead() learns on maps of ${H}×${W} and keeps nothing`, async () => {
    const head = tiny();
    const weights = initialWeights(head.parameters, 1);
    const maps = [
      tf.zeros<tf.Rank.R4>([2, 1, 1, 12]),
      randomTensor<tf.Rank.R4>([2, H, W, 16]),
    ];
    const before = tf.memory().numTensors;
    const { value, gradient } = gradientOf(head.parameters, weights, () =>
      tf.tidy(() => {
        const chance = { seed: 1, stream: 2, iteration: 3 };
        const logits = head.apply(weights, maps, { training: true, chance });
        assert.deepEqual(logits.shape, [2, H, W, OPTIONS.classes]);
        return tf.mean(tf.square(logits));
      }));
    assert.equal(gradient.size, head.parameters.filter(({ trained }) => trained).length);
    const sums = tf.tidy(() =>
      tf.stack([value, ...[...gradient.values()].map((slope) => tf.sum(tf.abs(slope)))])
    );
    assert.ok((await readBack(sums)).every((size: number) => Number.isFinite(size)));
    tf.dispose([value, sums]);
    releaseWeights(gradient);
    assert.equal(tf.memory().numTensors, before);
    releaseWeights(weights);
    tf.dispose(maps);
  });
}

Deno.test("isaHead() refuses maps of another encoder", () => {
  assert.throws(() => tiny().apply(new Map(), [], EVALUATION), {
    name: "RangeError",
    message: /Cannot decode 0 maps.* built for 2/,
  });
});
