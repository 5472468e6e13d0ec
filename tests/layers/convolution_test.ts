import assert from "node:assert/strict";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { pytorchShape, weightsFromHost } from "../../src/core/weights.ts";
import { transposedConvolution } from "../../src/layers/convolution.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

onEachBackend("transposedConvolution() applies PyTorch's filter layout", async () => {
  const layer = transposedConvolution("up", 1, 2, 2);
  assert.deepEqual(layer.parameters.map(pytorchShape), [[1, 2, 2, 2], [2]]);
  const host = (shape: number[], ...values: number[]) => ({
    dtype: "F32" as const,
    shape,
    bytes: new Uint8Array(Float32Array.from(values).buffer),
  });
  // [I, O, K, K]: 1 … 4 for the first output, 10 … 40 for the second.
  const filter = host([1, 2, 2, 2], 1, 2, 3, 4, 10, 20, 30, 40);
  const weights = weightsFromHost(
    layer.parameters,
    new Map([["up.weight", filter], ["up.bias", host([2], 0.5, 0.25)]]),
  );
  const y = layer.apply(weights, tf.tensor4d([1, 2], [1, 1, 2, 1]), EVAL_CONTEXT);
  assert.deepEqual(y.shape, [1, 2, 4, 2]);
  const rows = [[1, 10], [2, 20], [2, 20], [4, 40], [3, 30], [4, 40], [6, 60], [8, 80]];
  const expected = rows.flatMap(([a = 0, b = 0]) => [a + 0.5, b + 0.25]);
  await assertClose(y, expected, 1e-7);
});
