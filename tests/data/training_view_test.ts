import assert from "node:assert/strict";
import { IMAGENET } from "../../src/core/host_batch.ts";
import { createRandom } from "../../src/core/random.ts";
import type { Sample } from "../../src/data/data_set.ts";
import { evaluationView } from "../../src/data/evaluation_view.ts";
import { trainingView, type ViewOptions } from "../../src/data/training_view.ts";

const OPTIONS: ViewOptions = {
  resize: null,
  crop: { height: 4, width: 4 },
  flip: 0,
  largestClassShare: 1,
  normalisation: IMAGENET,
};

// Pixel i is (i, i + 50, i + 100) and has class i mod 3.
function sample(height: number, width: number): Sample {
  const image = Uint8Array.from(
    { length: height * width * 3 },
    (_, k) => Math.floor(k / 3) + 50 * (k % 3),
  );
  const label = Uint8Array.from({ length: height * width }, (_, i) => i % 3);
  return { name: "s", height, width, image, label };
}

Deno.test("trainingView() normalises the crop and keeps image and label together", () => {
  for (let t = 0; t < 10; t++) {
    const view = trainingView(sample(6, 8), OPTIONS, createRandom(0, "t", t));
    for (let i = 0; i < 16; i++) {
      const red = Math.round((view.image[i * 3] ?? 0) * 58.395 + 123.675);
      const blue = Math.round((view.image[i * 3 + 2] ?? 0) * 57.375 + 103.53);
      assert.equal(blue, red + 100);
      assert.equal(view.label[i], red % 3);
    }
  }
});

Deno.test("trainingView() mirrors image and label", () => {
  const straight = trainingView(sample(4, 4), OPTIONS, createRandom(0, "t"));
  const mirrored = trainingView(
    sample(4, 4),
    { ...OPTIONS, flip: 1 },
    createRandom(0, "t"),
  );
  for (let i = 0; i < 16; i++) {
    const other = i - i % 4 + 3 - i % 4;
    assert.equal(mirrored.label[i], straight.label[other]);
    assert.equal(mirrored.image[i * 3 + 1], straight.image[other * 3 + 1]);
  }
});

Deno.test("trainingView() pads small pictures at the bottom and at the right", () => {
  for (const flip of [0, 1]) {
    const view = trainingView(
      sample(3, 2),
      { ...OPTIONS, flip },
      createRandom(0, "t"),
    );
    for (let row = 0; row < 4; row++) {
      for (let column = 0; column < 4; column++) {
        const inside = row < 3 && column < 2;
        assert.equal(view.label[row * 4 + column] !== 255, inside);
        assert.equal(view.image[(row * 4 + column) * 3] !== 0, inside);
      }
    }
  }
});

Deno.test("trainingView() of a picture without label has label 255 everywhere", () => {
  const view = trainingView(
    { ...sample(6, 8), label: null },
    { ...OPTIONS, largestClassShare: 0.5 },
    createRandom(0, "t"),
  );
  assert.ok(view.label.every((id) => id === 255));
});

Deno.test("trainingView() scales before it crops", () => {
  const view = trainingView(
    sample(8, 8),
    { ...OPTIONS, resize: { height: 4, width: 4 } },
    createRandom(0, "t"),
  );
  // The mean of pixels 0, 1, 8 and 9 is 4.5, rounded up; the label is that of pixel 0.
  assert.equal(Math.round((view.image[0] ?? 0) * 58.395 + 123.675), 5);
  assert.equal(view.label[0], 0);
});

Deno.test("trainingView() looks for the wanted class", () => {
  // One pixel of class 7 in the corner of a large picture.
  const large = sample(12, 12);
  large.label?.fill(0).fill(7, 0, 1);
  let found = 0;
  let foundUnasked = 0;
  for (let t = 0; t < 200; t++) {
    const wanted = { id: 7, pixels: 0 };
    const options = { ...OPTIONS, crop: { height: 8, width: 8 } };
    if (
      trainingView(large, options, createRandom(0, "t", t), wanted).label.includes(7)
    ) found++;
    if (trainingView(large, options, createRandom(0, "t", t)).label.includes(7)) {
      foundUnasked++;
    }
  }
  // 1/25 of the windows hold it; of eleven tries 1 − (24/25)¹¹ = 36 % find one.
  assert.ok(foundUnasked < 20, `${foundUnasked}`);
  assert.ok(found > 50 && found < 95, `${found}`);
});

Deno.test("equal chance gives equal views", () => {
  const options = { ...OPTIONS, flip: 0.5, largestClassShare: 0.75 };
  assert.deepEqual(
    trainingView(sample(9, 9), options, createRandom(3, "t", 5)),
    trainingView(sample(9, 9), options, createRandom(3, "t", 5)),
  );
});

Deno.test("evaluationView() scales the image and leaves the label alone", () => {
  const whole = sample(8, 6);
  const view = evaluationView(whole, {
    resize: { height: 4, width: 4 },
    normalisation: IMAGENET,
  });
  assert.deepEqual([view.height, view.width, view.image.length], [4, 3, 36]);
  assert.deepEqual(view.original, { height: 8, width: 6 });
  assert.deepEqual(view.label, whole.label);
});

Deno.test("trainingView() shrinks half of the pictures and enlarges the others", () => {
  const sizes: number[] = [];
  for (let t = 0; t < 200; t++) {
    const options = { ...OPTIONS, crop: { height: 64, width: 64 } };
    const scaled = { ...options, randomScale: [0.5, 2] as const };
    const { label } = trainingView(sample(20, 20), scaled, createRandom(0, "t", t));
    const width = label.subarray(0, 64).findIndex((id) => id === 255);
    const height = Array.from({ length: 64 }, (_, row) => label[row * 64])
      .findIndex((id) => id === 255);
    assert.equal(width, height);
    sizes.push(width);
  }
  assert.ok(sizes.every((size) => size >= 10 && size < 40));
  const small = sizes.filter((size) => size < 20).length;
  assert.ok(small > 75 && small < 125, `${small} of 200 are smaller`);
  const smallest = sizes.filter((size) => size < 15).length;
  assert.ok(smallest > 30, "the factors of the smaller ones are uniform");
});

Deno.test("trainingView() pads on all sides with a label, if asked to", () => {
  const padding = { place: "centre", label: 7 } as const;
  for (const flip of [0, 1]) {
    const options = { ...OPTIONS, flip, padding };
    const { image, label } = trainingView(sample(1, 2), options, createRandom(0, "t"));
    const inside = flip === 1 ? [1, 0] : [0, 1];
    const expected = Array<number>(16).fill(7);
    expected.splice(5, 2, ...inside);
    assert.deepEqual([...label], expected);
    expected.forEach((id, i) =>
      assert.equal(image[3 * i] === 0 && image[3 * i + 1] === 0, id === 7)
    );
  }
});
