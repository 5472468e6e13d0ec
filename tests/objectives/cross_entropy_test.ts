import * as tf from "../../src/core/tf.ts";
import {
  filterByEntropy,
  maskedEntropy,
  unsupervisedLoss,
} from "../../src/objectives/unsupervised_loss.ts";
import {
  ohemCrossEntropy,
  validCrossEntropy,
} from "../../src/objectives/cross_entropy.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

const logits = () => tf.mul(randomTensor<tf.Rank.R4>([2, 3, 5, 4], "logits"), 2);
const labels = () =>
  tf.tensor3d(
    Int32Array.from({ length: 30 }, (_, i) => i % 5 === 4 ? 255 : i % 4),
    [2, 3, 5],
    "int32",
  );
const filterByTeacherEntropy = (labels: tf.Tensor, teacher: tf.Tensor, percent: number) =>
  filterByEntropy(labels, maskedEntropy(labels, teacher), percent);
const allIgnored = () => tf.fill([2, 3, 5], 255, "int32");

onEachBackend("validCrossEntropy() matches finite-difference gradients", async () => {
  const labelIds = labels();
  await assertGradients((z) => validCrossEntropy(z as tf.Tensor, labelIds), [logits()]);
});

onEachBackend(
  "ohemCrossEntropy() matches finite-difference gradients",
  async () => {
    const labelIds = labels();
    const options = { threshold: 0.2, minKept: 7 };
    await assertGradients((z) => ohemCrossEntropy(z as tf.Tensor, labelIds, options), [
      logits(),
    ]);
  },
);

onEachBackend(
  "ohemCrossEntropy() keeps all labeled pixels below the minimum",
  async () => {
    const options = { threshold: 0.01, minKept: 25 };
    const all = validCrossEntropy(logits(), labels());
    await assertClose(ohemCrossEntropy(logits(), labels(), options), all, 1e-6);
  },
);

onEachBackend("unsupervisedLoss() matches finite-difference gradients", async () => {
  const filtered = filterByTeacherEntropy(
    labels(),
    randomTensor<tf.Rank.R4>([2, 3, 5, 4], "teacher"),
    80,
  );
  await assertGradients((z) => unsupervisedLoss(z as tf.Tensor, filtered), [logits()]);
});

onEachBackend("semi-supervised losses are 0 without any labeled pixel", async () => {
  const options = { threshold: 0.7, minKept: 3 };
  await assertClose(validCrossEntropy(logits(), allIgnored()), [0], 0);
  await assertClose(ohemCrossEntropy(logits(), allIgnored(), options), [0], 0);
  const filtered = filterByTeacherEntropy(allIgnored(), logits(), 80);
  await assertClose(filtered, allIgnored(), 0);
  await assertClose(unsupervisedLoss(logits(), filtered), [0], 0);
});
