import { drawEach } from "../../src/core/host_batch.ts";
import assert from "node:assert/strict";
import { createRandom } from "../../src/core/random.ts";

Deno.test("drawEach() draws for a part of a batch what the batch would have", () => {
  const drawn = (count: Parameters<typeof drawEach>[0]) => {
    const random = createRandom(1, "draws");
    return drawEach(count, () => random.uniform());
  };
  const all = drawn({ batchSize: 4 });
  const part = { indices: [1, 3], batchSize: 4, labelValues: [] };
  assert.deepEqual(drawn({ batchSize: 2, part }), [all[1], all[3]]);
});
