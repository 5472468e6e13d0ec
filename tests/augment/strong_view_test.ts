import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { NO_JITTER } from "../../src/augment/color_jitter.ts";
import {
  applyStrongView,
  drawStrongView,
  featureDropout,
} from "../../src/augment/strong_view.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";

const PLAIN = { mean: [0, 0, 0], std: [255, 255, 255] } as const;
const OPTIONS = {
  colorJitterStrength: 0.5,
  colorJitterProbability: 0.8,
  grayscaleProbability: 0.2,
  blurProbability: 0.5,
  blurSigma: [0.1, 2],
  cutmixProbability: 0.25,
  cutmixPartner: "next",
} as const;
const SIZE = { batchSize: 2, height: 6, width: 6 };
const input = () => ({
  images: tf.sigmoid(randomTensor<tf.Rank.R4>([2, 6, 6, 3], "images")),
  labels: tf.tensor3d(Int32Array.from({ length: 72 }, (_, i) => i), [2, 6, 6], "int32"),
});

onEachBackend("applyStrongView() without any change is the identity", async () => {
  const original = input();
  const drawn = {
    ...{ jitter: [NO_JITTER, NO_JITTER], sigmas: [0, 0], boxes: [null, null] },
    isGray: [false, false],
  };
  const view = applyStrongView(original, drawn, PLAIN, OPTIONS);
  assert.deepEqual(await readBack(view.images), await readBack(original.images));
  assert.deepEqual(await readBack(view.labels), await readBack(original.labels));
});

onEachBackend("applyStrongView() pastes the changed image with its labels", async () => {
  const original = input();
  const box = { top: 0, left: 0, height: 6, width: 6 };
  const darker = { ...NO_JITTER, brightness: 0.9, order: [0, 1, 2, 3] };
  const jitter = [NO_JITTER, darker];
  const isGray = [false, false];
  const drawn = { jitter, sigmas: [0, 1], boxes: [box, null], isGray };
  const view = applyStrongView(original, drawn, PLAIN, OPTIONS);
  const pixels = [...await readBack(view.images)];
  assert.deepEqual(pixels.slice(0, 108), pixels.slice(108), "both are the second image");
  const before = [...await readBack(original.images)].slice(108);
  assert.ok(
    pixels.slice(108).some((value, i) => Math.abs(value - (before[i] ?? 0)) > 0.05),
  );
  const labelIds = [...await readBack(view.labels)];
  assert.deepEqual(labelIds, [...labelIds.slice(36), ...labelIds.slice(36)]);
  assert.equal(labelIds[0], 36);
});

onEachBackend(
  "applyStrongView() pastes from the image at the place from the end",
  async () => {
    const images = tf.tensor4d([0.1, 0.2, 0.3], [3, 1, 1, 1]);
    const labels = tf.tensor3d([1, 2, 3], [3, 1, 1], "int32");
    const box = { top: 0, left: 0, height: 1, width: 1 };
    const drawn = {
      jitter: [NO_JITTER, NO_JITTER, NO_JITTER],
      ...{ sigmas: [0, 0, 0], isGray: [false, false, false], boxes: [box, box, null] },
    };
    const labelsWith = async (cutmixPartner: "next" | "reverse") => {
      const options = { ...OPTIONS, cutmixPartner };
      const view = applyStrongView({ images, labels }, drawn, PLAIN, options);
      return [...await readBack(view.labels)];
    };
    assert.deepEqual(await labelsWith("next"), [2, 3, 3]);
    assert.deepEqual(await labelsWith("reverse"), [3, 2, 3]);
  },
);

Deno.test("drawStrongView() draws per image with the given probabilities", () => {
  let [jittered, blurred, boxed, gray] = [0, 0, 0, 0];
  for (let t = 0; t < 300; t++) {
    const { jitter, sigmas, boxes, isGray } = drawStrongView(
      OPTIONS,
      SIZE,
      createRandom(2, "v", t),
    );
    jittered += jitter.filter((factors) => factors !== NO_JITTER).length;
    blurred += sigmas.filter((sigma) => sigma > 0).length;
    boxed += boxes.filter((box) => box !== null).length;
    gray += isGray.filter((isGray) => isGray).length;
    for (const sigma of sigmas) assert.ok(sigma === 0 || sigma >= 0.1 && sigma <= 2);
    for (const { hue } of jitter) assert.ok(Math.abs(hue) <= 0.25);
  }
  const assertNear = (count: number, expected: number) =>
    assert.ok(
      Math.abs(count / 600 - expected) < 0.07,
      `${count} of 600, not ${expected}`,
    );
  assertNear(jittered, 0.8);
  assertNear(blurred, 0.5);
  assertNear(boxed, 0.25);
  assertNear(gray, 0.2);
});

onEachBackend(
  "featureDropout() drops whole channels of the unlabeled samples only",
  async () => {
    const map = tf.ones<tf.Rank.R4>([3, 2, 2, 40]);
    const key = { seed: 1, iteration: 5 };
    const [first, second] = featureDropout([map, map], 1, 0.5, key);
    const values = [...await readBack(first ?? assert.fail())];
    const other = [...await readBack(second ?? assert.fail())];
    assert.ok(values.slice(0, 160).every((value) => value === 1));
    for (let sample = 1; sample < 3; sample++) {
      for (let channel = 0; channel < 40; channel++) {
        const pixels = [0, 1, 2, 3].map((pixel) =>
          values[(sample * 4 + pixel) * 40 + channel]
        );
        assert.ok(
          pixels.every((value) => value === pixels[0]) &&
            [0, 2].includes(pixels[0] ?? -1),
        );
      }
    }
    const dropped = values.slice(160).filter((value) => value === 0).length / 320;
    assert.ok(dropped > 0.3 && dropped < 0.7, `${dropped}`);
    assert.notDeepEqual(values, other, "every map has a separate draw");
  },
);
