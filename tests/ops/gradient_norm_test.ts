// The norm of many tensors together, and what they are scaled by.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import {
  normAndClipFactor,
  scaleAndDispose,
} from "../../src/ops/gradient_norm/gradient_norm.ts";
import {
  assertClose,
  onEachBackend,
  randomTensor,
  testWasmKernels,
} from "../support/mod.ts";

// A group of eight and a remainder; a lane has 16 elements, and there are at most 4096.
const SIZES = [1, 63, 64, 65, 300, 1, 1025, 7, 64, 70_000, 3];
const tensors = () => SIZES.map((size, i) => randomTensor<tf.Rank.R1>([size], `g ${i}`));

onEachBackend(
  "normAndClipFactor() and scaleAndDispose() clip as their formula",
  async () => {
    const given = tensors();
    const values = await Promise.all(given.map(readBack));
    const norm = Math.sqrt(
      values.flatMap((one) => [...one]).reduce((sum, x) => sum + Number(x) ** 2, 0),
    );
    for (const maxNorm of [norm / 10, 10 * norm]) {
      const found = normAndClipFactor(given, maxNorm);
      const factor = Math.min(1, maxNorm / (norm + 1e-6));
      await assertClose(found.norm, [norm], 1e-6 * norm);
      await assertClose(found.factor, [factor], 2e-6);
      const again = normAndClipFactor(given, maxNorm);
      assert.deepEqual(await readBack(again.norm), await readBack(found.norm));
      const before = tf.memory().numTensors;
      const scaled = scaleAndDispose(given.map((one) => tf.add(one, 0)), found.factor);
      assert.equal(tf.memory().numTensors, before + SIZES.length);
      for (const [i, tensor] of scaled.entries()) {
        const expected = [...values[i] ?? []].map((x) => factor * Number(x));
        await assertClose(tensor, expected, 2e-6, `tensor ${i}`);
      }
    }
  },
);

for (
  const [name, wrong] of [["NaN", NaN], ["∞", Infinity], ["overflow", 1e30]] as const
) {
  onEachBackend(`normAndClipFactor() finds ${name} and leaves it`, async () => {
    const given = tensors();
    given[9] = tf.concat([tf.ones([69_999]), tf.tensor1d([wrong])]);
    const { norm, factor } = normAndClipFactor(given, 1);
    assert.deepEqual([...await readBack(norm), ...await readBack(factor)], [Infinity, 1]);
  });
}

testWasmKernels(
  "normAndClipFactor and scaleAndDispose",
  Object.fromEntries([1, 5, 4096, 4097, 9000].map((size) => [
    `${size} elements`,
    () => {
      const g = randomTensor<tf.Rank.R1>([size], "g");
      const { norm, factor } = normAndClipFactor([g], 0.5);
      return [norm, factor, ...scaleAndDispose([tf.add(g, 0)], factor)];
    },
  ])),
  3e-7,
);
