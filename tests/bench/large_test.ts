import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { benchLarge } from "../../bench/io/large.ts";
import { withFiles } from "../data/tiny_folder.ts";

Deno.test("bench io --large measures every stage and leaves nothing behind", async () => {
  await withFiles({}, async (out) => {
    const { pictures, stages } = await benchLarge(40, out, () => {});
    assert.equal(pictures, 40);
    assert.deepEqual(stages.map(({ name }) => name), [
      "list",
      "count classes",
      "find the counts",
      "first batch, counts known",
    ]);
    for (const { seconds, resident, growth, peak, kept } of stages) {
      assert.ok(seconds > 0 && resident > 0 && peak > 0 && growth >= 0);
      // Without a collection, a stage leaves megabytes behind.
      assert.ok(kept < 20e6, `${kept} bytes are kept`);
    }
    assert.deepEqual(await readdir(out), []);
  });
});
