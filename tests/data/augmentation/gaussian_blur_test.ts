import assert from "node:assert/strict";
import { createRandom } from "../../../src/core/random.ts";
import {
  blurImage,
  drawBlur,
  kernelSizeOf,
} from "../../../src/data/augmentation/gaussian_blur.ts";
import { decoded, largestDifference, picture, recorded, SIZE } from "./recorded.ts";

Deno.test("blurImage() gives the values of torchvision", () => {
  for (const one of recorded.blur) {
    const image = picture(one);
    blurImage(image, SIZE, one.channels, one);
    const what = `σ ${one.sigma}, ${one.channels} channels of ${one.bits} bits`;
    const difference = largestDifference(image, decoded(one.values, one.bits));
    // Sums of float32 in another order: a value amid two levels may be rounded to either.
    assert.ok(difference <= 1, `${what}: ${difference} levels`);
  }
});

Deno.test("blurImage() mirrors images that are smaller than the filter", () => {
  for (const [height, width] of [[1, 1], [1, 3], [2, 1]] as const) {
    const image = Uint8Array.from({ length: height * width }, (_, i) => 100 * i);
    const mean = image.reduce((sum, value) => sum + value, 0) / image.length;
    blurImage(image, { height, width }, 1, { sigma: 50, kernelSize: 301 });
    // Mirrored again and again, 0, 100, 200, 100, … and 0, 100, … have these means.
    const expected = width === 3 ? 100 : mean;
    assert.ok([...image].every((value) => Math.abs(value - expected) <= 1), `${image}`);
  }
});

Deno.test("kernelSizeOf() is odd and reaches three σ", () => {
  const sigmas = [0.1, 0.5, 1, 1.3, 2];
  assert.deepEqual(sigmas.map(kernelSizeOf), [3, 5, 7, 9, 13]);
});

Deno.test("drawBlur() draws σ uniformly for a share of the crops", () => {
  const options = { sigma: [0.5, 2], kernelSize: null, probability: 0.5 } as const;
  const drawn = Array.from(
    { length: 400 },
    (_, t) => drawBlur(options, createRandom(0, "t", t)),
  ).filter((one) => one !== null);
  assert.ok(drawn.length > 160 && drawn.length < 240, `${drawn.length} of 400`);
  const sigmas = drawn.map(({ sigma }) => sigma);
  assert.ok(Math.min(...sigmas) >= 0.5 && Math.min(...sigmas) < 0.55);
  assert.ok(Math.max(...sigmas) <= 2 && Math.max(...sigmas) > 1.95);
  for (const one of drawn) assert.equal(one.kernelSize, kernelSizeOf(one.sigma));
  const given = { ...options, kernelSize: 23, probability: 1 };
  assert.equal(drawBlur(given, createRandom(0, "t"))?.kernelSize, 23);
});
