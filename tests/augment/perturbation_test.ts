import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import {
  type Box,
  boxMask,
  drawHalfBox,
  drawPerturbation,
  drawSmallBox,
  perturb,
  type Perturbation,
} from "../../src/augment/perturbation.ts";
import { onEachBackend } from "../support/mod.ts";

const [B, H, W, CLASS_COUNT] = [3, 4, 5, 6];
const PIXELS = H * W;

// Image b is b + 1 everywhere in red, and its pixel's number in the other colors.
const images = () =>
  tf.tensor4d(
    Float32Array.from({ length: B * PIXELS * 3 }, (_, i) => {
      const pixel = Math.floor(i / 3);
      return i % 3 === 0 ? 1 + Math.floor(pixel / PIXELS) : pixel;
    }),
    [B, H, W, 3],
  );
// The images have different classes in stripes: 1, 3 and 4 classes.
const CLASSES = [[2], [0, 3, 5], [1, 2, 4, 5]];
const LABELS = Int32Array.from({ length: B * PIXELS }, (_, i) => {
  const classIds = CLASSES[Math.floor(i / PIXELS)] ?? [];
  return classIds[i % classIds.length] ?? 0;
});
const labels = () => tf.tensor3d(LABELS, [B, H, W], "int32");

Deno.test("drawHalfBox() covers half of the image with more than half of its width", () => {
  for (let t = 0; t < 200; t++) {
    const size = { height: 513, width: 513 };
    const { top, left, height, width } = drawHalfBox(size, createRandom(1, "box", t));
    assert.ok(width >= 257 && width <= 512, `width ${width}`);
    assert.ok(Math.abs(width * height - 513 ** 2 / 2) <= width / 2);
    assert.ok(top >= 0 && left >= 0 && top + height <= 513 && left + width <= 513);
  }
});

Deno.test("drawSmallBox() lies within the image and covers at most 40 % of it", () => {
  for (let t = 0; t < 200; t++) {
    const size = { height: 60, width: 90 };
    const { top, left, height, width } = drawSmallBox(size, createRandom(1, "box", t));
    assert.ok(height >= 1 && width >= 1 && height * width <= 0.4 * 60 * 90);
    assert.ok(top >= 0 && left >= 0 && top + height <= 60 && left + width <= 90);
  }
});

Deno.test("drawHalfBox() and drawSmallBox() lie within the smallest images", () => {
  for (const height of [1, 2, 3]) {
    for (const width of [1, 2, 3]) {
      for (const draw of [drawHalfBox, drawSmallBox]) {
        const box = draw({ height, width }, createRandom(1, "box"));
        assert.ok(box.height >= 1 && box.width >= 1);
        assert.ok(box.top + box.height <= height && box.left + box.width <= width);
      }
    }
  }
});

const BOXES: Box[] = [
  { top: 0, left: 1, height: 2, width: 3 },
  { top: 1, left: 0, height: 3, width: 5 },
  { top: 3, left: 4, height: 1, width: 1 },
];
const inBox = (b: number, pixel: number): boolean => {
  const { top, left, height, width } = BOXES[b] ?? assert.fail();
  const [row, column] = [Math.floor(pixel / W), pixel % W];
  return row >= top && row < top + height && column >= left && column < left + width;
};

onEachBackend("boxMask() marks only the boxes", async () => {
  const mask = boxMask([...BOXES.slice(0, 2), null], B, { height: H, width: W });
  const expected = Array.from({ length: B * PIXELS }, (_, i) => {
    const b = Math.floor(i / PIXELS);
    return b < 2 && inBox(b, i % PIXELS) ? 1 : 0;
  });
  assert.deepEqual([...await readBack(mask)], expected);
  assert.equal(mask.dtype, "int32");
});

/** The image that a pixel comes from; null for a removed pixel. */
type Origin = (b: number, pixel: number) => number | null;

async function assertPixelOrigins(
  name: Perturbation,
  origin: Origin,
  drawn: Parameters<typeof perturb>[2],
): Promise<void> {
  const before = tf.memory().numTensors;
  const input = { images: images(), labels: labels() };
  const perturbed = perturb(name, input, drawn, CLASS_COUNT);
  const [pixels, labelIds] = [
    await readBack(perturbed.images),
    await readBack(perturbed.labels),
  ];
  const original = await readBack(input.images);
  for (let b = 0; b < B; b++) {
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      const from = origin(b, pixel);
      const at = b * PIXELS + pixel;
      const sourcePixel = from === null ? NaN : from * PIXELS + pixel;
      assert.equal(
        labelIds[at],
        from === null ? 255 : LABELS[sourcePixel],
        `label ${b}/${pixel}`,
      );
      for (let c = 0; c < 3; c++) {
        const expected = from === null ? 0 : original[sourcePixel * 3 + c];
        assert.equal(pixels[at * 3 + c], expected, `image ${b}/${pixel}`);
      }
    }
  }
  assert.equal(perturbed.labels.dtype, "int32");
  tf.dispose([input.images, input.labels, perturbed.images, perturbed.labels]);
  assert.equal(tf.memory().numTensors, before);
}

// The class order per image; ClassMix takes the first classes that occur.
const CLASS_ORDERS = [[0, 1, 2, 3, 4, 5], [5, 1, 0, 3, 2, 4], [0, 4, 3, 1, 2, 5]];
const PASTED_CLASSES = [[], [5], [4, 1]]; // half of 1, 3 and 4 classes, rounded down
const drawn = { isApplied: true, boxes: BOXES, classOrders: CLASS_ORDERS };

onEachBackend(
  "perturb() cutmix fills the box from the next image",
  () =>
    assertPixelOrigins("cutmix", (b, pixel) => inBox(b, pixel) ? (b + 1) % B : b, drawn),
);

onEachBackend(
  "perturb() cutout zeroes and ignores the box",
  () => assertPixelOrigins("cutout", (b, pixel) => inBox(b, pixel) ? null : b, drawn),
);

onEachBackend(
  "perturb() classmix pastes half of the classes onto the next image",
  () =>
    assertPixelOrigins("classmix", (b, pixel) => {
      const id = LABELS[b * PIXELS + pixel] ?? -1;
      return (PASTED_CLASSES[b] ?? []).some((pasted) => pasted === id) ? b : (b + 1) % B;
    }, drawn),
);

onEachBackend("perturb() is the identity if not applied", async () => {
  for (const name of ["none", "cutmix", "cutout", "classmix"] as const) {
    await assertPixelOrigins(name, (b) => b, { ...drawn, isApplied: false });
  }
});

Deno.test("drawPerturbation() applies with its probability and permutes all classes", () => {
  let appliedCount = 0;
  for (let t = 0; t < 400; t++) {
    const size = { batchSize: 2, height: 8, width: 8, classCount: 5 };
    const drawn = drawPerturbation(0.25, size, createRandom(3, "p", t));
    if (drawn.isApplied) appliedCount++;
    for (const order of drawn.classOrders) {
      assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4]);
    }
  }
  assert.ok(appliedCount > 70 && appliedCount < 130, `${appliedCount} of 400`);
});
