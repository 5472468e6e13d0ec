import assert from "node:assert/strict";
import { createRandom } from "../../src/core/random.ts";
import { classHistogram } from "../../src/data/class_counts.ts";
import {
  randomWindow,
  randomWindowByMaxRatio,
  rescaleSize,
  resizeBilinear,
  resizeNearest,
  writeNormalized,
} from "../../src/data/transforms.ts";

// Recorded from cv2.resize of OpenCV 5.0 (the same code as in 4.4) on this image.
const FROM = { height: 4, width: 5, channels: 3 };
const PICTURE = Uint8Array.from({ length: 60 }, (_, i) => i * 37 + (i * i) % 11 * 9);
// deno-fmt-ignore
const TO_3_7 = [
  15, 56, 115, 116, 117, 151, 198, 130, 160, 210, 48, 116, 146, 115, 151, 139, 86, 132,
  164, 10, 88, 128, 133, 157, 168, 131, 84, 163, 118, 56, 76, 90, 123, 145, 198, 142, 111,
  160, 126, 28, 52, 93, 143, 195, 51, 94, 129, 67, 80, 115, 113, 139, 200, 196, 190, 231,
  83, 159, 207, 92, 90, 160, 165,
];
// deno-fmt-ignore
const TO_2_3 = [95, 86, 121, 134, 47, 107, 111, 75, 125, 139, 169, 88, 137, 174, 179, 118, 162, 106];
// deno-fmt-ignore
const NEAREST_3_7 = [0, 0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 7, 8, 9, 10, 10, 11, 12, 12, 13, 14];

Deno.test("rescaleSize() keeps the ratio and fits the box in either orientation", () => {
  const box = { height: 720, width: 1280 };
  assert.deepEqual(rescaleSize({ height: 1052, width: 1914 }, box), {
    height: 704,
    width: 1280,
  });
  assert.deepEqual(rescaleSize({ height: 1914, width: 1052 }, box), {
    height: 1280,
    width: 704,
  });
  assert.deepEqual(
    rescaleSize({ height: 360, width: 480 }, { height: 180, width: 240 }),
    {
      height: 180,
      width: 240,
    },
  );
  assert.deepEqual(rescaleSize({ height: 5, width: 7 }, null), { height: 5, width: 7 });
});

Deno.test("resizeBilinear() gives the very bytes of OpenCV", () => {
  const wider = resizeBilinear(PICTURE, FROM, { height: 3, width: 7 });
  assert.deepEqual([...wider], TO_3_7);
  const smaller = resizeBilinear(PICTURE, FROM, { height: 2, width: 3 });
  assert.deepEqual([...smaller], TO_2_3);
});

// `cv2.resize` of OpenCV 4 without IPP.
const FROM_16 = { height: 4, width: 5, channels: 4 };
const PICTURE_16 = Uint16Array.from({ length: 80 }, (_, i) => {
  const [y, x, c] = [Math.floor(i / 20), Math.floor(i / 4) % 5, i % 4];
  return y * 7919 + x * 104729 + c * 15485863;
});
// deno-fmt-ignore
const TO_3_7_OF_16 = [
  1320, 20687, 40054, 48498, 23716, 36841, 25001, 39687, 32986, 44551, 24909, 25551, 14170,
  33537, 52904, 6735, 42165, 14720, 34087, 34730, 42073, 23991, 38677, 34638, 27020, 46387,
  54831, 19585, 11878, 31246, 50612, 4444, 34274, 16192, 35559, 26840, 43545, 16100, 26105,
  36110, 24728, 44096, 30694, 17294, 29318, 25279, 35284, 45288, 33907, 34550, 25830, 45197,
  37578, 56946, 10776, 30144, 22437, 41804, 61171, 15002, 44833, 26751, 46118, 37398, 54104,
  26659, 27302, 46669, 35287, 54654, 8485, 27852, 16471, 35838, 36480, 16838, 25741, 21702,
  36388, 24548, 48137, 12891, 21335, 40702,
];
// deno-fmt-ignore
const TO_2_3_OF_16 = [
  17024, 25468, 33912, 31434, 16810, 36176, 55544, 9374, 38440, 35962, 33484, 31006, 32862,
  30384, 49750, 25427, 32648, 52014, 5846, 25212, 32433, 29955, 27476, 35921,
];

Deno.test("resizeBilinear() gives the very values of OpenCV of 16 bits and four channels", () => {
  const wider = resizeBilinear(PICTURE_16, FROM_16, { height: 3, width: 7 });
  assert.ok(wider instanceof Uint16Array);
  assert.deepEqual([...wider], TO_3_7_OF_16);
  const smaller = resizeBilinear(PICTURE_16, FROM_16, { height: 2, width: 3 });
  assert.deepEqual([...smaller], TO_2_3_OF_16);
});

Deno.test("writeNormalized() takes any number of channels, of 16 bits too", () => {
  const image = Uint16Array.of(0, 1000, 65535, 300, 500, 20000);
  const normalization = { mean: [100, 600], std: [50, 200] };
  const result = new Float32Array(8).fill(9);
  writeNormalized(image, { height: 1, width: 3 }, normalization, true, result, 4);
  const expected = Float32Array.of(8, 97, 65435 / 50, -1.5, -2, 2, 9, 9);
  assert.deepEqual([...result], [...expected]);
  const rgb = { mean: [1, 2, 3], std: [1, 1, 1] };
  assert.throws(
    () => writeNormalized(image, { height: 1, width: 3 }, rgb, false, result, 4),
    /of 3×1: 6 values are not 3 per pixel$/,
  );
});

Deno.test("resizeBilinear() of a window is that window of the whole", () => {
  const to = { height: 9, width: 8 };
  const window = { top: 2, left: 3, height: 5, width: 4 };
  const whole = resizeBilinear(PICTURE, FROM, to);
  const part = resizeBilinear(PICTURE, FROM, to, window);
  for (let row = 0; row < window.height; row++) {
    const start = ((window.top + row) * to.width + window.left) * 3;
    assert.deepEqual(
      part.subarray(row * 12, row * 12 + 12),
      whole.subarray(start, start + 12),
    );
  }
});

Deno.test("resizeBilinear() to the same size copies", () => {
  assert.deepEqual(resizeBilinear(PICTURE, FROM, FROM), PICTURE);
});

Deno.test("an exact halving is the mean of two by two pixels", () => {
  const gray = Uint8Array.from([10, 10, 10, 20, 20, 20, 30, 30, 30, 41, 41, 41]);
  const half = resizeBilinear(gray, { height: 2, width: 2, channels: 3 }, {
    height: 1,
    width: 1,
  });
  assert.deepEqual([...half], [25, 25, 25]);
});

Deno.test("resizeNearest() takes the pixel at floor(i · in / out), like OpenCV", () => {
  const label = Uint8Array.from({ length: 20 }, (_, i) => i);
  assert.deepEqual(
    [...resizeNearest(label, FROM, { height: 3, width: 7 })],
    NEAREST_3_7,
  );
});

const SIZE = { height: 6, width: 8 };
const CROP = { height: 4, width: 4 };

Deno.test("randomWindow() reaches every position and never leaves the image", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 300; i++) {
    const { top, left, height, width } = randomWindow(
      SIZE,
      CROP,
      createRandom(0, "t", i),
    );
    assert.deepEqual([height, width], [4, 4]);
    seen.add(`${top},${left}`);
  }
  assert.equal(seen.size, 3 * 5);
});

Deno.test("randomWindow() takes the whole side of an image smaller than the crop", () => {
  const window = randomWindow({ height: 3, width: 9 }, CROP, createRandom(0, "t"));
  assert.deepEqual([window.top, window.height, window.width], [0, 3, 4]);
});

Deno.test("randomWindowByMaxRatio() finds a window in which no class dominates", () => {
  // Class 1 in the right half, an ignored pixel in the corner. Three of five places are
  // good, so eleven draws all but always find one.
  const label = Uint8Array.from({ length: 48 }, (_, i) => i === 0 ? 255 : +(i % 8 >= 4));
  for (let i = 0; i < 40; i++) {
    const window = randomWindowByMaxRatio(
      label,
      SIZE,
      CROP,
      0.8,
      createRandom(1, "t", i),
    );
    const counts = classHistogram(label, 8, window);
    const largest = Math.max(counts[0] ?? 0, counts[1] ?? 0);
    assert.ok(largest / ((counts[0] ?? 0) + (counts[1] ?? 0)) < 0.8);
  }
});

Deno.test("randomWindowByMaxRatio() gives up after ten tries", () => {
  let draws = 0;
  const random = createRandom(0, "t");
  const counted = { ...random, integer: (n: number) => (draws++, random.integer(n)) };
  randomWindowByMaxRatio(new Uint8Array(48), SIZE, CROP, 0.75, counted);
  assert.equal(draws, 2 * 11);
});

Deno.test("randomWindowByMaxRatio() takes any window when the limit is 1", () => {
  let draws = 0;
  const random = createRandom(0, "t");
  const counted = { ...random, integer: (n: number) => (draws++, random.integer(n)) };
  randomWindowByMaxRatio(new Uint8Array(48), SIZE, CROP, 1, counted);
  assert.equal(draws, 2);
});
