import assert from "node:assert/strict";
import { createRandom, type Random } from "../../../src/core/random.ts";
import { drawErasedBox, fillBox } from "../../../src/data/augmentation/random_erasing.ts";
import { recorded } from "./recorded.ts";

// Draws that were recorded, after one that applies the step.
function replay(uniforms: readonly number[]): Random {
  const left = [0, ...uniforms];
  const uniform = () => left.shift() ?? assert.fail("drew more than was recorded");
  const integer = (below: number) => Math.floor(uniform() * below);
  return { ...createRandom(0, "t"), uniform, integer };
}

Deno.test("drawErasedBox() gives the rectangles of torchvision for the same draws", () => {
  let retried = 0;
  for (const { height, width, uniforms, box, scale, ratio } of recorded.erasing) {
    const [minScale = 0, maxScale = 0] = scale;
    const [minRatio = 0, maxRatio = 0] = ratio;
    const drawn = drawErasedBox(
      { probability: 1, scale: [minScale, maxScale], ratio: [minRatio, maxRatio] },
      { height, width },
      replay(uniforms),
    );
    assert.deepEqual(drawn, box);
    if (uniforms.length > 4) retried++;
  }
  assert.ok(retried > 1 && recorded.erasing.some(({ box }) => box === null));
});

Deno.test("drawErasedBox() erases a share of the crops", () => {
  const options = { probability: 0.25, scale: [0.1, 0.2], ratio: [0.5, 2] } as const;
  const size = { height: 60, width: 80 };
  const boxes = Array.from(
    { length: 400 },
    (_, t) => drawErasedBox(options, size, createRandom(0, "t", t)),
  ).filter((box) => box !== null);
  assert.ok(boxes.length > 70 && boxes.length < 130, `${boxes.length} of 400`);
  for (const { top, left, height, width } of boxes) {
    assert.ok(top >= 0 && left >= 0 && top + height <= 60 && left + width <= 80);
    const area = height * width / (60 * 80);
    assert.ok(area > 0.09 && area < 0.21, `${area}`);
  }
});

Deno.test("fillBox() fills all channels of the rectangle and nothing else", () => {
  const data = new Uint8Array(3 * 4 * 2);
  fillBox(data, 4, 2, { top: 1, left: 1, height: 2, width: 2 }, 9);
  // deno-fmt-ignore
  assert.deepEqual([...data], [
    0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 9, 9, 9, 9, 0, 0,
    0, 0, 9, 9, 9, 9, 0, 0,
  ]);
});
