import assert from "node:assert/strict";
import { GLYPH_ADVANCE, textPixels } from "../../src/cli/canvas.ts";
import { colorize, denormalize, grayscale, overlay } from "../../src/cli/colorize.ts";
import { drawImageGrid } from "../../src/cli/image_grid.ts";
import { decodePng } from "../../src/formats/png.ts";

const CLASSES = [{ color: [128, 64, 128] }, { color: [0, 0, 142] }] as const;

Deno.test("colorize() paints classes, and black where there is none", () => {
  assert.deepEqual([...colorize([1, 255, 0], CLASSES)], [
    0,
    0,
    142,
    0,
    0,
    0,
    128,
    64,
    128,
  ]);
});

Deno.test("overlay() mixes and leaves pixels without a class", () => {
  const image = Uint8Array.of(100, 100, 100, 7, 8, 9);
  assert.deepEqual([...overlay(image, [0, 255], CLASSES, 0.5)], [114, 82, 114, 7, 8, 9]);
  assert.deepEqual([...overlay(image, [1, 1], CLASSES, 1)], [0, 0, 142, 0, 0, 142]);
  assert.throws(() => overlay(image, [0], CLASSES), {
    name: "RangeError",
    message: "Cannot lay 1 labels over an image of 2 pixels",
  });
});

Deno.test("grayscale() goes from black to white and cuts off", () => {
  assert.deepEqual([...grayscale([-1, 0.5, 2])], [0, 0, 0, 128, 128, 128, 255, 255, 255]);
});

Deno.test("denormalize() undoes the normalization", () => {
  const pixels = denormalize([0, 1, -9], { mean: [10, 20, 30], std: [1, 2, 4] }, 8);
  assert.deepEqual([...pixels], [10, 22, 0]);
});

Deno.test("textPixels() draws letters side by side", () => {
  const dots = textPixels("I!").map(([x, y]) => `${x},${y}`);
  assert(dots.includes("2,3"), "the stem of the I");
  assert(dots.includes(`${GLYPH_ADVANCE + 2},6`), "the dot of the exclamation mark");
  assert(!dots.includes(`${GLYPH_ADVANCE + 2},5`));
});

Deno.test("drawImageGrid() puts pictures in a grid on white, each at its place", () => {
  const cell = (title: string, value: number) => ({
    title,
    width: 160,
    height: 2,
    rgb: new Uint8Array(160 * 2 * 3).fill(value),
  });
  const sheet = decodePng(
    drawImageGrid([[cell("a", 1), cell("b", 2)], [cell("c", 3)]]),
    "sheet",
  );
  const { width, height, channels, data } = sheet;
  assert.deepEqual([width, height, channels], [160 * 2 + 8 * 3, 2 * 2 + 18 * 2 + 8, 3]);
  const at = (x: number, y: number) => data[3 * (y * width + x)];
  assert.deepEqual([at(8, 18), at(176, 18), at(8, 38), at(176, 38)], [1, 2, 3, 255]);
  assert.deepEqual([at(7, 18), at(8 + 160, 18), at(8, 20)], [255, 255, 255]);
});

Deno.test("drawImageGrid() enlarges small pictures by whole pixels", () => {
  const rgb = Uint8Array.of(1, 1, 1, 2, 2, 2);
  const { width, data } = decodePng(
    drawImageGrid([[{ title: "x", width: 2, height: 1, rgb }]]),
    "sheet",
  );
  assert.equal(width, 2 * 80 + 16);
  const row = 18 * width;
  assert.deepEqual([data[3 * (row + 8 + 79)], data[3 * (row + 8 + 80)]], [1, 2]);
});

Deno.test("drawImageGrid() refuses pixels that do not fill their size", () => {
  assert.throws(
    () => drawImageGrid([[{ title: "x", width: 2, height: 2, rgb: new Uint8Array(3) }]]),
    {
      name: "RangeError",
      message: 'Cannot draw "x": 3 bytes are not 2×2 RGB pixels',
    },
  );
});
