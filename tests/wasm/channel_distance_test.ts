import * as tf from "../../src/core/tf.ts";
import { channelDistance } from "../../src/ops/channel_distance/channel_distance.ts";
import { randomTensor, testWasmKernels } from "../support/mod.ts";

const distanceAndGradients = (a: tf.Tensor2D, b: tf.Tensor2D) => {
  const d = channelDistance(a, b);
  const dd = randomTensor<tf.Rank.R1>([a.shape[0]], "dd");
  const f = (...inputs: tf.Tensor[]) =>
    channelDistance(...inputs as [tf.Tensor, tf.Tensor]);
  return [d, ...tf.grads(f)([a, b], dd)];
};

testWasmKernels("channelDistance", {
  ...Object.fromEntries(
    ([[1, 1], [3, 2], [65, 7], [130, 36]] as const).map(([rows, columns]) => [
      `${rows} × ${columns}`,
      () =>
        distanceAndGradients(
          randomTensor<tf.Rank.R2>([rows, columns], "a"),
          randomTensor<tf.Rank.R2>([rows, columns], "b"),
        ),
    ]),
  ),
  "equal rows": () => distanceAndGradients(tf.ones([3, 5]), tf.ones([3, 5])),
}, 1e-6);
