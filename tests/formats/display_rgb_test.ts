import assert from "node:assert/strict";
import { displayNote, displayRgb } from "../../src/formats/display_rgb.ts";

Deno.test("displayRgb() leaves RGB of 8 bits as it is", () => {
  const image = Uint8Array.of(1, 2, 3, 4, 5, 6);
  assert.equal(displayRgb(image, 3), image);
  assert.equal(displayNote({ channels: 3, bitDepth: 8 }), null);
});

Deno.test("displayRgb() shows the first three channels, or the first as gray", () => {
  const image = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  assert.deepEqual([...displayRgb(image, 4)], [1, 2, 3, 5, 6, 7]);
  assert.deepEqual([...displayRgb(image, 2)], [1, 1, 1, 3, 3, 3, 5, 5, 5, 7, 7, 7]);
});

Deno.test("displayRgb() stretches 16 bits between the second and the last but one hundredth", () => {
  const image = Uint16Array.from({ length: 1001 }, (_, i) => 3000 + i);
  const gray = displayRgb(image, 1).filter((_, i) => i % 3 === 0);
  assert.deepEqual([gray[0], gray[20], gray[500], gray[980], gray[1000]], [
    ...[0, 0, 128, 255, 255],
  ]);
  assert.deepEqual([...displayRgb(Uint16Array.of(7, 7, 7), 3)], [0, 0, 0]);
  assert.match(
    displayNote({ channels: 1, bitDepth: 16 }) ?? "",
    /^images of 1 channel of 16 bits: pictures show the first as gray, stretched so that 2 %/,
  );
});
