import assert from "node:assert/strict";
import { fittingSize } from "../../src/browser/picture.ts";

Deno.test("fittingSize() keeps what fits, and the shape of what does not", () => {
  const photo = { width: 4032, height: 3024 };
  assert.equal(fittingSize(photo, 4032 * 3024), photo);
  assert.deepEqual(fittingSize(photo, 4032 * 3024 / 4), { width: 2016, height: 1512 });
  for (const [width, height] of [[5000, 3], [1, 9_000_000], [1449, 1449]] as const) {
    const size = fittingSize({ width, height }, 2 ** 21);
    assert(size.width >= 1 && size.height >= 1);
    assert(size.width * size.height <= 2 ** 21, `${size.width}×${size.height}`);
  }
});
