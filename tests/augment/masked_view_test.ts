import assert from "node:assert/strict";
import { NO_JITTER } from "../../src/augment/color_jitter.ts";
import {
  applyMaskedView,
  defaultBlockSize,
  drawMaskedView,
  drawTokenMask,
  patchGrid,
} from "../../src/augment/masked_view.ts";
import { readBack } from "../../src/core/backend.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";

const PLAIN = { mean: [0, 0, 0], std: [255, 255, 255] } as const;
const MIC = {
  blockSize: null,
  ratio: 0.7,
  colorJitterStrength: 0.2,
  colorJitterProbability: 0.8,
  blurProbability: 0.5,
};

Deno.test("defaultBlockSize() is the published one at the published crops", () => {
  const sizes = [[512, 512], [1024, 1024], [512, 1024], [8, 8]] as const;
  assert.deepEqual(
    sizes.map(([height, width]) => defaultBlockSize({ height, width })),
    [32, 64, 32, 1],
  );
});

Deno.test("patchGrid() rounds halves to even numbers, and to one patch at least", () => {
  assert.deepEqual(patchGrid({ height: 48, width: 80 }, 32), [2, 2]); // 1.5, 2.5
  assert.deepEqual(patchGrid({ height: 513, width: 769 }, 32), [16, 24]);
  assert.deepEqual(patchGrid({ height: 8, width: 100 }, 64), [1, 2]);
});

Deno.test("drawMaskedView() draws with the given probabilities, the same for a key", () => {
  const size = { batchSize: 2, height: 64, width: 64 };
  let [jittered, blurred, kept] = [0, 0, 0];
  for (let t = 0; t < 300; t++) {
    const drawn = drawMaskedView(MIC, size, createRandom(2, "v", t));
    assert.equal(drawn.keptPatches.length, 2 * 16 * 16);
    jittered += drawn.jitter === null ? 0 : 1;
    blurred += drawn.sigmas === null ? 0 : 1;
    kept += drawn.keptPatches.reduce((sum, one) => sum + one, 0) / 512;
  }
  const shares = [jittered, blurred, kept].map((count) => count / 300);
  [0.8, 0.5, 0.3].forEach((expected, i) =>
    assert.ok(Math.abs((shares[i] ?? NaN) - expected) < 0.07, `${shares}`)
  );
  const [once, again, other] = [5, 5, 6].map((t) =>
    drawMaskedView(MIC, size, createRandom(2, "v", t))
  );
  assert.deepEqual(once, again);
  assert.notDeepEqual(once, other);
});

for (const channels of [1, 3, 5]) {
  onEachBackend(
    `applyMaskedView() sets patches to 0 and leaves the rest, with ${channels} channels`,
    async () => {
      const images = randomTensor<tf.Rank.R4>([1, 4, 6, channels]);
      const drawn = {
        ...{ jitter: null, sigmas: null },
        keptPatches: Float32Array.of(1, 0, 0, 1),
      };
      const view = applyMaskedView(images, drawn, [2, 2], PLAIN);
      const before = [...await readBack(images)];
      const isKept = (i: number) => {
        const pixel = Math.floor(i / channels);
        return (Math.floor(pixel / 6) < 2) === (pixel % 6 < 3);
      };
      const expected = before.map((value, i) => isKept(i) ? value : 0);
      const values = [...await readBack(view)].map((value) => value + 0); // no −0
      assert.deepEqual(values, expected);
      tf.dispose([images, view]);
    },
  );
}

onEachBackend("applyMaskedView() changes colors before it masks", async () => {
  const images = tf.fill([1, 4, 4, 3], 0.5) as tf.Tensor4D;
  const drawn = {
    jitter: [{ ...NO_JITTER, brightness: 1.2, order: [0, 1, 2, 3] }],
    sigmas: [1],
    keptPatches: Float32Array.of(1, 0),
  };
  const view = applyMaskedView(images, drawn, [1, 2], PLAIN);
  const values = await readBack(tf.slice(view, [0, 0, 0, 0], [1, 1, 4, 1]));
  const expected = [0.7, 0.7, 0, 0];
  expected.forEach((value, x) =>
    assert.ok(Math.abs((values[x] ?? NaN) - value) < 1e-5, `${values}`)
  );
  tf.dispose([images, view]);
});

onEachBackend(
  "drawTokenMask() gives each image of a batch draws of its own",
  async () => {
    const key = { seed: 2, stream: 5, iteration: 7 };
    const before = tf.memory().numTensors;
    const draw = async (images: number, sampleOffset = 0, iteration = 7) => {
      const rng = { ...key, iteration, sampleOffset };
      const mask = drawTokenMask([images, 20, 30, 1], 0.7, rng);
      assert.deepEqual(mask.shape, [images, 20, 30, 1]);
      const values = [...await readBack(mask)];
      mask.dispose();
      return values;
    };
    const whole = await draw(4);
    assert.deepEqual(new Set(whole), new Set([0, 1]));
    const share = whole.filter((value) => value === 1).length / whole.length;
    assert.ok(Math.abs(share - 0.7) < 0.03, `${share} of the tokens are masked`);
    assert.deepEqual([...await draw(2), ...await draw(2, 2)], whole);
    assert.notDeepEqual(whole.slice(0, 600), whole.slice(600, 1200));
    assert.notDeepEqual(await draw(4, 0, 8), whole);
    assert.equal(tf.memory().numTensors, before, "no tensor is left");
  },
);
