import assert from "node:assert/strict";
import { createRandom } from "../../../src/core/random.ts";
import {
  type ColorChange,
  drawColorJitter,
  jitterColors,
} from "../../../src/data/augmentation/color_jitter.ts";
import { decoded, largestDifference, picture, recorded, SIZE } from "./recorded.ts";

const OPTIONS = {
  brightness: 0.4,
  contrast: 1.5,
  saturation: 0.2,
  hue: 0.1,
  probability: 1,
};

Deno.test("jitterColors() gives the values of torchvision, each change alone", () => {
  for (const one of recorded.color) {
    const { channels, bits, amount, values } = one;
    const kind = one.kind as ColorChange["kind"];
    const image = picture(one);
    jitterColors(image, channels, [{ kind, amount }]);
    const what = `${kind} ${amount}, ${channels} channels of ${bits} bits`;
    assert.equal(largestDifference(image, decoded(values, bits)), 0, what);
  }
});

Deno.test("jitterColors() applies changes in their order", () => {
  const [brighter, moreContrast]: ColorChange[] = [
    { kind: "brightness", amount: 1.6 },
    { kind: "contrast", amount: 0.5 },
  ];
  assert.ok(brighter && moreContrast);
  const after = (...changes: ColorChange[]) => {
    const image = picture({ channels: 3, bits: 8 });
    for (const change of changes) jitterColors(image, 3, [change]);
    return image;
  };
  for (const order of [[brighter, moreContrast], [moreContrast, brighter]]) {
    const image = picture({ channels: 3, bits: 8 });
    jitterColors(image, 3, order);
    assert.equal(largestDifference(image, after(...order)), 0);
  }
  assert.notEqual(
    largestDifference(after(brighter, moreContrast), after(moreContrast, brighter)),
    0,
  );
});

Deno.test("jitterColors() leaves channels after the third alone", () => {
  const pixels = SIZE.height * SIZE.width;
  const rgb = picture({ channels: 3, bits: 16 });
  const image = new Uint16Array(pixels * 5);
  for (let i = 0; i < pixels; i++) {
    image.set(rgb.subarray(3 * i, 3 * i + 3), 5 * i);
    image.set([i, 65535 - i], 5 * i + 3);
  }
  const changes = drawColorJitter(OPTIONS, createRandom(0, "t"));
  jitterColors(rgb, 3, changes);
  jitterColors(image, 5, changes);
  for (let i = 0; i < pixels; i++) {
    assert.deepEqual([...image.subarray(5 * i, 5 * i + 5)], [
      ...rgb.subarray(3 * i, 3 * i + 3),
      ...[i, 65535 - i],
    ]);
  }
});

Deno.test("jitterColors() changes brightness and contrast alone of one or two channels", () => {
  for (const channels of [1, 2]) {
    for (const kind of ["brightness", "contrast", "saturation", "hue"] as const) {
      const image = picture({ channels, bits: 8 });
      jitterColors(image, channels, [{ kind, amount: 0.4 }]);
      const changed = largestDifference(image, picture({ channels, bits: 8 })) > 0;
      assert.equal(changed, kind === "brightness" || kind === "contrast", kind);
    }
  }
});

Deno.test("drawColorJitter() draws uniform factors, never below 0, in any order", () => {
  const orders = new Set<string>();
  const amounts: Record<string, number[]> = {};
  for (let t = 0; t < 400; t++) {
    const changes = drawColorJitter(OPTIONS, createRandom(0, "t", t));
    orders.add(changes.map(({ kind }) => kind[0]).join(""));
    for (const { kind, amount } of changes) (amounts[kind] ??= []).push(amount);
  }
  assert.equal(orders.size, 24);
  const ranges = {
    brightness: [0.6, 1.4],
    contrast: [0, 2.5],
    saturation: [0.8, 1.2],
    hue: [-0.1, 0.1],
  };
  for (const [kind, [min = 0, max = 0]] of Object.entries(ranges)) {
    const drawn = amounts[kind] ?? [];
    assert.equal(drawn.length, 400);
    const margin = (max - min) / 50;
    assert.ok(Math.min(...drawn) >= min && Math.min(...drawn) < min + margin, kind);
    assert.ok(Math.max(...drawn) <= max && Math.max(...drawn) > max - margin, kind);
    const mean = drawn.reduce((sum, one) => sum + one, 0) / 400;
    assert.ok(Math.abs(mean - (min + max) / 2) < 3 * margin, kind);
  }
});

Deno.test("drawColorJitter() changes a share of the crops, and nothing of strength 0", () => {
  const options = { ...OPTIONS, saturation: 0, hue: 0, probability: 0.25 };
  const drawn = Array.from(
    { length: 400 },
    (_, t) => drawColorJitter(options, createRandom(1, "t", t)),
  );
  const changed = drawn.filter((changes) => changes.length > 0);
  assert.ok(changed.length > 70 && changed.length < 130, `${changed.length} of 400`);
  for (const changes of changed) {
    assert.deepEqual(changes.map(({ kind }) => kind).sort(), ["brightness", "contrast"]);
  }
});
