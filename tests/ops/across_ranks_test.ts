import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import { withCommunicator } from "../../src/core/ranks.ts";
import * as tf from "../../src/core/tf.ts";
import {
  gatherBatch,
  gatherOverRanks,
  meanOverRanks,
  meansOverRanks,
} from "../../src/ops/across_ranks.ts";
import { batchMoments, batchNorm } from "../../src/ops/batch_norm/batch_norm.ts";
import { onEachBackend } from "../support/backends.ts";
import { assertClose } from "../support/compare.ts";
import { likeRanks } from "../support/like_ranks.ts";

const onTwoRanks = <T>(run: () => T): T => withCommunicator(likeRanks(1, 2), run);

onEachBackend("ranks that give the same have it as their mean", async (backend) => {
  await openBackend(backend);
  const inputs = [tf.tensor1d([1, 2, 3]), tf.tensor2d([[4], [5]])];
  const means = onTwoRanks(() => meansOverRanks(inputs));
  assert.deepEqual(means.map(({ shape }) => shape), [[3], [2, 1]]);
  assert.deepEqual([...await readBack(means[0] as tf.Tensor)], [1, 2, 3]);
  assert.deepEqual([...await readBack(means[1] as tf.Tensor)], [4, 5]);
  tf.dispose([...inputs, ...means]);
});

onEachBackend("gatherBatch() puts the parts one after the other", async (backend) => {
  await openBackend(backend);
  const part = tf.tensor2d([[1, 2], [3, 4]], [2, 2], "int32");
  const [stacked, batch] = onTwoRanks(() => [gatherOverRanks(part), gatherBatch(part)]);
  assert.deepEqual([stacked?.shape, batch?.shape], [[2, 2, 2], [4, 2]]);
  const values = [...await readBack(batch as tf.Tensor)];
  assert.deepEqual(values, [1, 2, 3, 4, 1, 2, 3, 4]);
  tf.dispose([part, stacked, batch] as tf.Tensor[]);
});

Deno.test("of one rank nothing is copied", async () => {
  await openBackend("wasm");
  const x = tf.tensor1d([1]);
  assert.equal(meanOverRanks(x), x);
  assert.equal(gatherBatch(x), x);
  x.dispose();
});

// Two ranks with the same images have the moments and the gradient of one of them.
onEachBackend("batchNorm() over ranks has the moments of all", async (backend) => {
  await openBackend(backend);
  const x = tf.tensor2d([[1, -2], [3, 5], [4, 1]]);
  const scale = tf.tensor1d([2, 3]);
  const shift = tf.tensor1d([0, 1]);
  const gradient = () => {
    const of = (x: tf.Tensor) => {
      const y = batchNorm(x, { scale, shift, epsilon: 1e-5 }, batchMoments(x));
      return tf.sum<tf.Scalar>(tf.mul(y, tf.square(y)));
    };
    return tf.grad(of)(x);
  };
  const alone = gradient();
  const together = onTwoRanks(gradient);
  await assertClose(together, alone, 1e-5);
  tf.dispose([x, scale, shift, alone, together]);
});
