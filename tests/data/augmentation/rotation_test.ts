import assert from "node:assert/strict";
import { createRandom } from "../../../src/core/random.ts";
import {
  drawRotation,
  rotateBilinear,
  rotatedIndices,
  rotateNearest,
} from "../../../src/data/augmentation/rotation.ts";
import type { CropWindow } from "../../../src/data/class_counts.ts";
import { decoded, picture, recorded, SIZE } from "./recorded.ts";

// A rectangle of the picture.
function readPicture(one: { channels: number; bits: number }) {
  const whole = picture(one);
  const { channels } = one;
  return ({ top, left, height, width }: CropWindow) => {
    assert.ok(top >= 0 && left >= 0 && height > 0 && width > 0);
    assert.ok(top + height <= SIZE.height && left + width <= SIZE.width);
    const region = whole.slice(0, height * width * channels);
    for (let row = 0; row < height; row++) {
      const start = ((top + row) * SIZE.width + left) * channels;
      region.set(
        whole.subarray(start, start + width * channels),
        row * width * channels,
      );
    }
    return region;
  };
}

Deno.test("rotateBilinear() gives the values of torchvision where the image is", () => {
  for (const one of recorded.rotation) {
    const { channels, bits } = one;
    const turned = rotateBilinear(
      { ...one, imageSize: SIZE },
      channels,
      readPicture(one),
    );
    const expected = decoded(one.values, bits);
    const isInterior = decoded(one.isInterior);
    let compared = 0;
    let largest = 0;
    for (let i = 0; i < expected.length; i++) {
      if (isInterior[Math.floor(i / channels)] !== 1) continue;
      compared++;
      largest = Math.max(largest, Math.abs((turned[i] ?? NaN) - (expected[i] ?? 0)));
    }
    assert.equal(turned.length, expected.length);
    assert.ok(compared > expected.length / 4, `${compared} of ${expected.length}`);
    // Positions are float32 there: 16-bit neighbors that differ by 60000 show it.
    const tolerance = bits === 16 ? 2 : 1;
    assert.ok(largest <= tolerance, `${one.degrees}°: ${largest} levels`);
  }
});

Deno.test("rotateNearest() gives the labels of torchvision, 255 beyond the image", () => {
  const label = picture({ channels: 1, bits: 8 });
  assert.ok(label instanceof Uint8Array);
  for (const one of recorded.rotation) {
    const indices = rotatedIndices({ ...one, imageSize: SIZE });
    const turned = rotateNearest(label, indices, 255);
    assert.deepEqual([...turned], [...decoded(one.labels)], `${one.degrees}°`);
  }
  const outside = recorded.rotation.filter((one) =>
    rotatedIndices({ ...one, imageSize: SIZE }).includes(-1)
  );
  assert.ok(outside.length > 0 && outside.length < recorded.rotation.length);
});

Deno.test("drawRotation() draws angles uniformly for a share of the crops", () => {
  const options = { maxDegrees: 30, probability: 0.5 };
  const angles = Array.from(
    { length: 400 },
    (_, t) => drawRotation(options, createRandom(0, "t", t)),
  ).filter((degrees) => degrees !== 0);
  assert.ok(angles.length > 160 && angles.length < 240, `${angles.length} of 400`);
  assert.ok(Math.min(...angles) >= -30 && Math.min(...angles) < -28);
  assert.ok(Math.max(...angles) <= 30 && Math.max(...angles) > 28);
});
