import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readBack } from "../../src/core/backend.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { radixSort } from "../../src/ops/radix_sort/radix_sort.ts";
import { onEachBackend } from "../support/mod.ts";

/** Keys of all lengths, many of them equal. */
function keysOf(rows: number, count: number): Int32Array {
  const random = createRandom(5, `keys ${count}`);
  const largest = [3, 1000, 2 ** 30 - 1];
  return Int32Array.from(
    { length: rows * count },
    (_, i) => Math.floor(random.uniform() * ((largest[i % 3] ?? 0) + 1)),
  );
}

onEachBackend("radixSort() sorts rows and keeps the order of equal keys", async () => {
  for (const [rows, count] of [[1, 1], [3, 63], [2, 1024], [3, 2051]] as const) {
    const keys = keysOf(rows, count);
    const items = keys.map((_, i) => i % count);
    const sorted = radixSort({
      keys: tf.tensor2d(keys, [rows, count], "int32"),
      items: tf.tensor2d(items, [rows, count], "int32"),
    });
    const [foundKeys, foundItems] = [
      await readBack(sorted.keys),
      await readBack(sorted.items),
    ];
    for (let row = 0; row < rows; row++) {
      const first = row * count;
      const key = (i: number) => keys[first + i] ?? NaN;
      // Array.prototype.sort is stable.
      const expected = [...Array(count).keys()].sort((a, b) => key(a) - key(b));
      const wrong = expected.findIndex((item, i) =>
        foundItems[first + i] !== item || foundKeys[first + i] !== key(item)
      );
      assert.equal(wrong, -1, `place ${wrong} of row ${row} of ${count}`);
    }
  }
});

onEachBackend("radixSort() leaves its inputs as they were", async () => {
  const keys = tf.tensor2d(keysOf(1, 1500), [1, 1500], "int32");
  const before = await readBack(keys);
  const numTensors = tf.memory().numTensors;
  tf.dispose({ ...radixSort({ keys, items: keys }) });
  assert.equal(tf.memory().numTensors, numTensors);
  assert.equal(Buffer.compare(await bytesOf(keys), Buffer.from(before.buffer)), 0);
});

async function bytesOf(tensor: tf.Tensor): Promise<Uint8Array> {
  const { buffer, byteOffset, byteLength } = await readBack(tensor);
  return new Uint8Array(buffer, byteOffset, byteLength);
}
