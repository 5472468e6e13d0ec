// What pictures are like.
import assert from "node:assert/strict";
import { GRAY, plainPng, RGB } from "../data/plain_png.ts";
import {
  areFrames,
  measureImages,
  pixelFormatOf,
} from "../../src/init/measure_images.ts";

const picture = (width: number, height: number, value: (i: number) => number) =>
  Promise.resolve({
    width,
    height,
    channels: 3,
    data: Uint8Array.from({ length: 3 * width * height }, (_, i) => value(i)),
  });

Deno.test("measureImages() gives the mean and the deviation of channels", async () => {
  const measures = await measureImages(
    2,
    (index) => picture(4, 2 + index, (i) => [10, 20, i % 2 === 0 ? 0 : 200][i % 3] ?? 0),
  );
  assert.deepEqual(measures.mean, [10, 20, 100]);
  assert.deepEqual(measures.std, [1, 1, 100], "a deviation is never 0");
  assert.deepEqual(measures.sizes, [{ height: 2, width: 4 }, { height: 3, width: 4 }]);
});

Deno.test("pixelFormatOf() keeps the 16 bits of PNGs", async () => {
  const formatOf = (color: number, bits: 8 | 16) =>
    pixelFormatOf(
      1,
      () =>
        Promise.resolve({ bytes: plainPng(2, 2, color, bits, () => 1), path: "a.png" }),
    );
  assert.deepEqual(await formatOf(GRAY, 16), { channels: 1, bitDepth: 16 });
  assert.deepEqual(await formatOf(RGB, 16), { channels: 3, bitDepth: 16 });
  assert.deepEqual(await formatOf(GRAY, 8), { channels: 3, bitDepth: 8 });
});

Deno.test("areFrames() tells frames of a video from pictures with numbers", async () => {
  const names = Array.from({ length: 24 }, (_, i) => `f${i}`);
  const number = (name: string) => Number(name.slice(1));
  const film = (name: string) => picture(32, 8, (i) => (i + 5 * number(name)) % 256);
  assert.equal(await areFrames(names, film), true);
  const photos = (name: string) =>
    picture(32, 8, (i) => (Math.imul(i + 1, 7919 * (number(name) + 3)) >>> 5) % 256);
  assert.equal(await areFrames(names, photos), false);
  assert.equal(await areFrames(names.map((_, i) => "x".repeat(i + 1)), film), false);
});
