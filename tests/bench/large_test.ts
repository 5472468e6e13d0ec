import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { benchLargeDataSet } from "../../bench/io/large_data_set.ts";
import { withFiles } from "../data/tiny_folder.ts";

Deno.test("bench io --large measures every stage and leaves nothing behind", async () => {
  await withFiles({}, async (out) => {
    const { pictures, stages } = await benchLargeDataSet(40, out, () => {});
    assert.equal(pictures, 40);
    assert.deepEqual(stages.map(({ name }) => name), [
      "list",
      "count classes",
      "find the counts",
      "first batch, counts known",
    ]);
    for (const { seconds, resident, growth, peak, heapGrowth } of stages) {
      assert.ok(seconds > 0 && resident > 0 && peak > 0 && growth >= 0);
      // Without a collection, a stage leaves megabytes behind.
      assert.ok(heapGrowth < 20e6, `${heapGrowth} bytes are kept`);
    }
    assert.deepEqual(await readdir(out), []);
  });
});
