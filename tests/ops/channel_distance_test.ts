import * as tf from "../../src/core/tf.ts";
import { channelDistance } from "../../src/ops/channel_distance/channel_distance.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

onEachBackend("channelDistance() equals the norm of the difference", async () => {
  const a = randomTensor<tf.Rank.R4>([2, 3, 5, 7], "a");
  const b = randomTensor<tf.Rank.R4>([2, 3, 5, 7], "b");
  await assertClose(channelDistance(a, b), tf.norm(tf.sub(a, b), 2, -1), 1e-6);
});

onEachBackend("channelDistance() matches finite-difference gradients", async () => {
  await assertGradients(
    (a, b) => channelDistance(a as tf.Tensor, b as tf.Tensor),
    [
      randomTensor<tf.Rank.R4>([2, 3, 5, 7], "a"),
      randomTensor<tf.Rank.R4>([2, 3, 5, 7], "b"),
    ],
  );
});

onEachBackend(
  "channelDistance() has zero gradient where the maps are equal",
  async () => {
    const a = tf.tensor2d([[1, 2], [3, 4]]);
    const b = tf.tensor2d([[1, 2], [3, 2]]);
    const gradient = tf.grad((a) => channelDistance(a, b))(a);
    await assertClose(gradient, [0, 0, 0, 1], 1e-7);
  },
);
