import * as tf from "../../src/core/tf.ts";
import { featureDistance } from "../../src/objectives/feature_distance.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

const map = (stream: string) => randomTensor<tf.Rank.R4>([2, 3, 5, 7], stream);
const mask = () =>
  tf.tensor3d(Array.from({ length: 30 }, (_, i) => Number(i % 3 === 0)), [2, 3, 5]);

onEachBackend("featureDistance() has the gradient of finite differences", async () => {
  await assertGradients(
    (features) => featureDistance(features as tf.Tensor, map("b"), mask(), 0.5),
    [map("a")],
  );
});

onEachBackend("featureDistance() of an empty mask is 0 with zero gradient", async () => {
  const loss = (features: tf.Tensor) =>
    featureDistance(features, map("b"), tf.zeros([2, 3, 5]), 1);
  await assertClose(loss(map("a")), [0], 0);
  await assertClose(tf.grad(loss)(map("a")), tf.zeros([2, 3, 5, 7]), 0);
});

onEachBackend("featureDistance() of equal features has zero gradient", async () => {
  const loss = (features: tf.Tensor) => featureDistance(features, map("a"), null, 1);
  await assertClose(tf.grad(loss)(map("a")), tf.zeros([2, 3, 5, 7]), 0);
});
