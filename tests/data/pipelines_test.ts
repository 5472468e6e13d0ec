import assert from "node:assert/strict";
import { IMAGENET } from "../../src/core/host_batch.ts";
import { createRandom, type Random } from "../../src/core/random.ts";
import {
  type DrawnAugmentation,
  NO_AUGMENTATION,
} from "../../src/data/augmentation/augmentation.ts";
import type { Sample } from "../../src/data/data_set.ts";
import {
  createThumbnail,
  type CropOptions,
  prepareEvaluationImage,
  type RequiredClass,
  writeTrainingCrop,
} from "../../src/data/pipelines.ts";

const OPTIONS: CropOptions = {
  resize: null,
  cropSize: { height: 4, width: 4 },
  flipProbability: 0,
  catMaxRatio: 1,
  normalization: IMAGENET,
};

// Pixel i is (i, i + 50, i + 100) and has class i mod 3.
function sample(height: number, width: number): Sample {
  const image = Uint8Array.from(
    { length: height * width * 3 },
    (_, k) => Math.floor(k / 3) + 50 * (k % 3),
  );
  const label = Uint8Array.from({ length: height * width }, (_, i) => i % 3);
  return { name: "s", height, width, channels: 3, image, label };
}

// One crop in fresh arrays; the label is 255 everywhere if the sample has none.
function trainingCrop(
  sample: Sample,
  options: CropOptions,
  random: Random,
  requiredClass: RequiredClass | null = null,
  augmentation: Partial<DrawnAugmentation> = {},
) {
  const drawn = { ...NO_AUGMENTATION, ...augmentation };
  const pixels = options.cropSize.height * options.cropSize.width;
  const buffers = { image: new Float32Array(pixels * 3), label: new Uint8Array(pixels) };
  const placement = writeTrainingCrop(
    ...[sample, options, random, buffers, requiredClass, drawn] as const,
  );
  return { ...buffers, placement };
}

Deno.test("writeTrainingCrop() normalizes the crop and keeps image and label together", () => {
  for (let t = 0; t < 10; t++) {
    const view = trainingCrop(sample(6, 8), OPTIONS, createRandom(0, "t", t));
    for (let i = 0; i < 16; i++) {
      const red = Math.round((view.image[i * 3] ?? 0) * 58.395 + 123.675);
      const blue = Math.round((view.image[i * 3 + 2] ?? 0) * 57.375 + 103.53);
      assert.equal(blue, red + 100);
      assert.equal(view.label[i], red % 3);
    }
  }
});

Deno.test("writeTrainingCrop() mirrors image and label", () => {
  const straight = trainingCrop(sample(4, 4), OPTIONS, createRandom(0, "t"));
  const mirrored = trainingCrop(
    sample(4, 4),
    { ...OPTIONS, flipProbability: 1 },
    createRandom(0, "t"),
  );
  for (let i = 0; i < 16; i++) {
    const other = i - i % 4 + 3 - i % 4;
    assert.equal(mirrored.label[i], straight.label[other]);
    assert.equal(mirrored.image[i * 3 + 1], straight.image[other * 3 + 1]);
  }
});

Deno.test("writeTrainingCrop() pads small images at the bottom and at the right", () => {
  for (const flipProbability of [0, 1]) {
    const view = trainingCrop(
      sample(3, 2),
      { ...OPTIONS, flipProbability },
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

Deno.test("writeTrainingCrop() says where the image lies in the crop", () => {
  // Every pixel of the image is its own number, 20 for those of the padding.
  const [height, width] = [6, 3];
  for (let t = 0; t < 20; t++) {
    for (const position of ["corner", "center"] as const) {
      const image = sample(height, width);
      image.label?.forEach((_, i, label) => label[i] = i);
      const crop = { height: 4, width: 5 };
      const options: CropOptions = {
        ...{ ...OPTIONS, cropSize: crop, flipProbability: 0.5 },
        padding: { position, label: 20 },
      };
      const { label, placement } = trainingCrop(image, options, createRandom(0, "t", t));
      assert.equal(placement.height, height);
      assert.equal(placement.width, width);
      for (const [i, id] of label.entries()) {
        const row = Math.floor(i / crop.width) - placement.top;
        const column = i % crop.width - placement.left;
        const isInside = row >= 0 && row < height && column >= 0 && column < width;
        const from = placement.isFlipped ? width - 1 - column : column;
        assert.equal(id, isInside ? row * width + from : 20);
      }
    }
  }
});

Deno.test("writeTrainingCrop() of an image without label has label 255 everywhere", () => {
  const view = trainingCrop(
    { ...sample(6, 8), label: null },
    { ...OPTIONS, catMaxRatio: 0.5 },
    createRandom(0, "t"),
  );
  assert.ok(view.label.every((id) => id === 255));
});

Deno.test("writeTrainingCrop() scales before it crops", () => {
  const view = trainingCrop(
    sample(8, 8),
    { ...OPTIONS, resize: { height: 4, width: 4 } },
    createRandom(0, "t"),
  );
  // The mean of pixels 0, 1, 8 and 9 is 4.5, rounded up; the label is that of pixel 0.
  assert.equal(Math.round((view.image[0] ?? 0) * 58.395 + 123.675), 5);
  assert.equal(view.label[0], 0);
});

Deno.test("writeTrainingCrop() looks for the required class", () => {
  // One pixel of class 7 in the corner of a large image.
  const large = sample(12, 12);
  large.label?.fill(0).fill(7, 0, 1);
  let found = 0;
  let foundUnasked = 0;
  for (let t = 0; t < 200; t++) {
    const wanted = { id: 7, minPixels: 0 };
    const options = { ...OPTIONS, cropSize: { height: 8, width: 8 } };
    if (
      trainingCrop(large, options, createRandom(0, "t", t), wanted).label.includes(7)
    ) found++;
    if (trainingCrop(large, options, createRandom(0, "t", t)).label.includes(7)) {
      foundUnasked++;
    }
  }
  // 1/25 of the windows hold it; of eleven tries 1 − (24/25)¹¹ = 36 % find one.
  assert.ok(foundUnasked < 20, `${foundUnasked}`);
  assert.ok(found > 50 && found < 95, `${found}`);
});

Deno.test("writeTrainingCrop() depends on its arguments alone", () => {
  const options = { ...OPTIONS, flipProbability: 0.5, catMaxRatio: 0.75 };
  assert.deepEqual(
    trainingCrop(sample(9, 9), options, createRandom(3, "t", 5)),
    trainingCrop(sample(9, 9), options, createRandom(3, "t", 5)),
  );
});

Deno.test("prepareEvaluationImage() scales the image and leaves the label alone", () => {
  const whole = sample(8, 6);
  const view = prepareEvaluationImage(whole, {
    resize: { height: 4, width: 4 },
    normalization: IMAGENET,
  });
  assert.deepEqual([view.height, view.width, view.image.length], [4, 3, 36]);
  assert.deepEqual(view.originalSize, { height: 8, width: 6 });
  assert.deepEqual(view.label, whole.label);
});

// The sizes to which an image of 20×20 is scaled.
function scaledSizes(distribution: "halves" | "uniform"): number[] {
  return Array.from({ length: 200 }, (_, t) => {
    const options: CropOptions = {
      ...OPTIONS,
      cropSize: { height: 64, width: 64 },
      randomScale: [0.5, 2],
      randomScaleDistribution: distribution,
    };
    const { label } = trainingCrop(sample(20, 20), options, createRandom(0, "t", t));
    const width = label.subarray(0, 64).findIndex((id) => id === 255);
    const height = Array.from({ length: 64 }, (_, row) => label[row * 64])
      .findIndex((id) => id === 255);
    assert.equal(width, height);
    assert.ok(width >= 10 && width < 40);
    return width;
  });
}

Deno.test("writeTrainingCrop() shrinks half of the images and enlarges the others", () => {
  const sizes = scaledSizes("halves");
  const small = sizes.filter((size) => size < 20).length;
  assert.ok(small > 75 && small < 125, `${small} of 200 are smaller`);
  const smallest = sizes.filter((size) => size < 15).length;
  assert.ok(smallest > 30, "the factors of the smaller ones are uniform");
});

Deno.test("writeTrainingCrop() scales by uniform factors, if asked to", () => {
  const sizes = scaledSizes("uniform");
  for (const [from, to] of [[10, 20], [20, 30], [30, 40]] as const) {
    const count = sizes.filter((size) => size >= from && size < to).length;
    assert.ok(count > 45 && count < 90, `${count} of 200 have ${from} … ${to} pixels`);
  }
});

Deno.test("writeTrainingCrop() pads on all sides with a label, if asked to", () => {
  const padding = { position: "center", label: 7 } as const;
  for (const flipProbability of [0, 1]) {
    const options = { ...OPTIONS, flipProbability, padding };
    const { image, label } = trainingCrop(sample(1, 2), options, createRandom(0, "t"));
    const inside = flipProbability === 1 ? [1, 0] : [0, 1];
    const expected = Array<number>(16).fill(7);
    expected.splice(5, 2, ...inside);
    assert.deepEqual([...label], expected);
    expected.forEach((id, i) =>
      assert.equal(image[3 * i] === 0 && image[3 * i + 1] === 0, id === 7)
    );
  }
});

Deno.test("writeTrainingCrop() turns image and label about the center of the crop", () => {
  for (const flipProbability of [0, 1]) {
    const options = { ...OPTIONS, flipProbability };
    const random = () => createRandom(0, "t");
    const straight = trainingCrop(sample(9, 9), options, random());
    const turned = trainingCrop(sample(9, 9), options, random(), null, { degrees: 180 });
    assert.deepEqual([...turned.label], [...straight.label].reverse());
    for (let i = 0; i < 16; i++) {
      assert.equal(turned.image[3 * i], straight.image[3 * (15 - i)]);
    }
  }
});

Deno.test("writeTrainingCrop() fills corners of turned crops from the image while there is one", () => {
  const padding = { position: "corner", label: 2 } as const;
  const turnedCrop = (side: number, crop: number, flipProbability: number) => {
    const cropSize = { height: crop, width: crop };
    const options = { ...OPTIONS, cropSize, padding, flipProbability };
    const one = sample(side, side);
    one.label?.fill(1);
    return trainingCrop(one, options, createRandom(0, "t", 3), null, { degrees: 20 });
  };
  for (const flipProbability of [0, 1]) {
    // A crop in the corner of the image, of which a part is beyond it once it is turned.
    for (const [side, crop] of [[8, 8], [6, 8]] as const) {
      const { image, label } = turnedCrop(side, crop, flipProbability);
      const isPadding = Array.from(label, (id) => id === 2);
      isPadding.forEach((expected, i) => {
        assert.deepEqual(
          [...image.subarray(3 * i, 3 * i + 3)].every((v) => v === 0),
          expected,
        );
      });
      assert.ok(isPadding[0] && isPadding[side - 1] && !isPadding[4 * crop + 3]);
    }
  }
  // Amid an image nothing is missing: 49 of 81 windows do not touch its border.
  let whole = 0;
  for (let t = 0; t < 400; t++) {
    const random = createRandom(0, "t", t);
    const crop = trainingCrop(sample(12, 12), OPTIONS, random, null, { degrees: 45 });
    if (crop.label.every((id) => id !== 255)) whole++;
  }
  assert.ok(whole > 200 && whole < 280, `${whole} of 400`);
});

Deno.test("writeTrainingCrop() looks for classes in the turned crop", () => {
  // The pixel in the corner is in no crop that is turned by 45°.
  const large = sample(12, 12);
  large.label?.fill(0).fill(7, 0, 1);
  const options = { ...OPTIONS, cropSize: { height: 8, width: 8 } };
  const drawnWindows = (
    catMaxRatio: number,
    required: RequiredClass | null,
    degrees: number,
    t: number,
  ) => {
    const random = createRandom(0, "t", t);
    let windows = 0;
    const integer = (below: number) => (windows += 0.5, random.integer(below));
    const all = { ...options, catMaxRatio };
    trainingCrop(large, all, { ...random, integer }, required, { degrees });
    return windows;
  };
  for (const degrees of [0, 45]) {
    const each = Array.from({ length: 100 }, (_, t) => t);
    const byRatio = each.map((t) => drawnWindows(0.99, null, degrees, t));
    const wanted = { id: 7, minPixels: 0 };
    const byClass = each.map((t) => drawnWindows(1, wanted, degrees, t));
    for (const windows of [byRatio, byClass]) {
      const inVain = windows.filter((one) => one === 11).length;
      assert.equal(inVain === 100, degrees === 45, `${inVain} at ${degrees}°`);
    }
  }
});

Deno.test("writeTrainingCrop() changes colors, then blurs, and leaves padding at the mean", () => {
  const brighter = { kind: "brightness", amount: 3 } as const;
  const blur = { sigma: 1, kernelSize: 3 };
  const original = {
    ...sample(3, 3),
    image: new Uint8Array(27).fill(10).fill(20, 12, 15),
  };
  const red = (augmentation: Partial<DrawnAugmentation>) => {
    const random = createRandom(0, "t");
    const { image } = trainingCrop(original, OPTIONS, random, null, augmentation);
    for (let i = 0; i < 16; i++) {
      if (i < 12 && i % 4 < 3) continue;
      assert.deepEqual([...image.subarray(3 * i, 3 * i + 3)], [0, 0, 0]);
    }
    return [0, 1, 5].map((i) => Math.round((image[3 * i] ?? 0) * 58.395 + 123.675));
  };
  assert.deepEqual(red({ colorChanges: [brighter] }), [30, 30, 60]);
  // Weights are 0.274, 0.452, 0.274, and borders are mirrored.
  assert.deepEqual(red({ blur }), [13, 12, 12]);
  assert.deepEqual(red({ colorChanges: [brighter], blur }), [39, 37, 36]);
});

Deno.test("writeTrainingCrop() erases a box and its label, unless it is kept", () => {
  const box = { top: 1, left: 1, height: 2, width: 3 };
  const random = () => createRandom(0, "t");
  const whole = trainingCrop(sample(4, 2), OPTIONS, random());
  for (const keepsLabel of [false, true]) {
    const erased = { ...box, keepsLabel };
    const crop = trainingCrop(sample(4, 2), OPTIONS, random(), null, { erased });
    for (let i = 0; i < 16; i++) {
      const isErased = i >= 4 && i < 12 && i % 4 > 0;
      assert.equal(crop.image[3 * i], isErased ? 0 : whole.image[3 * i]);
      assert.equal(crop.label[i], isErased && !keepsLabel ? 255 : whole.label[i]);
    }
  }
});

Deno.test("createThumbnail() takes means of pixels and the label in the middle", () => {
  const sample = {
    name: "a",
    width: 4,
    height: 2,
    channels: 3,
    image: Uint8Array.from(
      [0, 8, 40, 80].flatMap((v) => [v, 0, 255]).concat(
        [0, 8, 40, 80].flatMap((v) => [v, 4, 255]),
      ),
    ),
    label: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 255),
  };
  const small = createThumbnail(sample, 2);
  assert.deepEqual([small.width, small.height], [2, 1]);
  assert.deepEqual([...small.rgb], [4, 2, 255, 60, 2, 255]);
  assert.deepEqual([...small.labels], [6, 255]);
  const same = createThumbnail({ ...sample, label: null }, 9);
  assert.deepEqual([same.rgb, new Set(same.labels)], [sample.image, new Set([255])]);
});
