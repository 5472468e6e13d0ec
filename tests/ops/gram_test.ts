import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { gram } from "../../src/ops/gram.ts";
import {
  assertAccurate,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

onEachBackend("gram() has the gradients of finite differences", async () => {
  const x = randomTensor<tf.Rank.R3>([2, 7, 4], "x");
  await assertGradients((x) => gram(x as tf.Tensor3D), [x]);
});

onEachBackend("gram() is exact to float32's last digits over many rows", async () => {
  const [N, C] = [4096, 5];
  const x = tf.abs(randomTensor<tf.Rank.R3>([1, N, C], "rows"));
  const cells = await readBack(x);
  const exact = new Float64Array(C * C);
  exact.forEach((_, at) => {
    const [i, j] = [Math.floor(at / C), at % C];
    for (let n = 0; n < N; n++) {
      exact[at] = (exact[at] ?? 0) + (cells[n * C + i] ?? 0) * (cells[n * C + j] ?? 0);
    }
  });
  // One plain float32 sum is off by 1e-6 and more.
  await assertAccurate(gram(x), exact, 3e-7);
});

onEachBackend("gram() keeps nothing but its result", () => {
  const x = randomTensor<tf.Rank.R3>([2, 7, 4], "x");
  assert.equal(tensorsKeptBy(() => gram(x)), 1);
});
