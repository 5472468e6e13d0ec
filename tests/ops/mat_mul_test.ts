import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { matMul } from "../../src/ops/mat_mul/mat_mul.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

for (const transposeB of [false, true]) {
  const product = transposeB ? "a · bᵀ" : "a · b";
  onEachBackend(`matMul() matches finite-difference gradients: ${product}`, async () => {
    const a = randomTensor<tf.Rank.R4>([2, 3, 5, 7], "a");
    const b = randomTensor<tf.Rank.R4>(transposeB ? [2, 3, 6, 7] : [2, 3, 7, 6], "b");
    await assertGradients((a, b) => matMul(a, b, { transposeB }), [a, b]);
    await assertClose(
      matMul(a, b, { transposeB }),
      tf.matMul(a, b, false, transposeB),
      1e-6,
    );
  });
}

onEachBackend("matMul() leaks no tensors", () => {
  const a = randomTensor<tf.Rank.R3>([2, 5, 7], "a");
  const b = randomTensor<tf.Rank.R3>([2, 7, 4], "b");
  assert.equal(tensorsKeptBy(() => matMul(a, b)), 1);
  assert.equal(
    tensorsKeptBy(() => tf.tidy(() => tf.grad((a) => matMul(a, b))(a))),
    1,
  );
});
