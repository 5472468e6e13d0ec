import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/config/read.ts";
import { createRandom } from "../../src/core/random.ts";
import { boxWithoutMargins } from "../../src/data/margins.ts";

Deno.test("boxWithoutMargins() has the pixels of a crop whose centers are in no margin", () => {
  const random = createRandom(3, "margins");
  let [empty, partial] = [0, 0];
  for (let t = 0; t < 300; t++) {
    const side = (least: number) => least + random.integer(30);
    const image = { height: side(5), width: side(5) };
    const scaled = { height: side(8), width: side(8) };
    const window = {
      height: 1 + random.integer(scaled.height),
      width: 1 + random.integer(scaled.width),
      top: 0,
      left: 0,
    };
    window.top = random.integer(1 + scaled.height - window.height);
    window.left = random.integer(1 + scaled.width - window.width);
    const flipped = random.uniform() < 0.5;
    const share = () => random.uniform() / 2;
    const margins = { top: share(), bottom: share(), left: share(), right: share() };
    const isInside = (
      side: "height" | "width",
      at: number,
      before: number,
      after: number,
    ) => {
      const pixel = Math.floor((at + 1 / 2) * image[side] / scaled[side]);
      const isAfter = pixel >= image[side] - Math.floor(after * image[side]);
      return pixel >= Math.floor(before * image[side]) && !isAfter;
    };
    const box = boxWithoutMargins(margins, { image, scaled, window, flipped });
    for (let row = 0; row < window.height; row++) {
      for (let column = 0; column < window.width; column++) {
        const unflipped = flipped ? window.width - 1 - column : column;
        const expected =
          isInside("height", window.top + row, margins.top, margins.bottom) &&
          isInside("width", window.left + unflipped, margins.left, margins.right);
        const found = row >= box.top && row < box.top + box.height &&
          column >= box.left && column < box.left + box.width;
        assert.equal(found, expected, `${row}, ${column} of ${JSON.stringify(box)}`);
      }
    }
    const pixels = box.height * box.width;
    if (pixels === 0) empty++;
    else if (pixels < window.height * window.width) partial++;
  }
  assert.ok(empty > 3 && partial > 100, `${empty} empty, ${partial} partial`);
});

Deno.test("boxWithoutMargins() has HRDA's pixels with the margins of its configurations", async () => {
  const image = { height: 1024, width: 2048 };
  for (const name of ["hrda", "mic_hrda"]) {
    const url = new URL(
      `../../configs/gta5_to_cityscapes_mit_b5_${name}.yaml`,
      import.meta.url,
    );
    const { method } = await loadConfig(fileURLToPath(url));
    assert.ok(method.name === "self-training");
    const margins = method.pseudoLabel.ignoreMargins ?? assert.fail();
    const window = { ...image, top: 0, left: 0 };
    const crop = { image, scaled: image, window, flipped: false };
    assert.deepEqual(boxWithoutMargins(margins, crop), {
      ...{ top: 30, height: image.height - 30 - 240 },
      ...{ left: 30, width: image.width - 30 - 30 },
    });
  }
});
