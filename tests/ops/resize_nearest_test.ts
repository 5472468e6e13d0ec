import type * as tf from "../../src/core/tf.ts";
import { resizeNearest } from "../../src/ops/resize_nearest.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

onEachBackend("resizeNearest() copies input floor(t · in / out)", async () => {
  const x = randomTensor<tf.Rank.R4>([1, 1, 5, 1]);
  const cells = await x.data();
  const expected = [0, 0, 1, 2, 2, 3, 4].map((at) => cells[at] ?? NaN);
  await assertClose(resizeNearest(x, [1, 7]), expected, 0);
});

onEachBackend("resizeNearest() has the gradient of finite differences", async () => {
  for (const size of [[11, 5], [3, 9], [1, 1]] as const) {
    await assertGradients((x) => resizeNearest(x as tf.Tensor4D, size), [
      randomTensor<tf.Rank.R4>([2, 7, 9, 3]),
    ]);
  }
});
