import * as tf from "../../src/core/tf.ts";
import { accuracy } from "../../src/objectives/accuracy.ts";
import { hardExampleCrossEntropy } from "../../src/objectives/ohem.ts";
import {
  dropUncertain,
  unsupervisedLoss,
} from "../../src/objectives/unsupervised_loss.ts";
import { validCrossEntropy } from "../../src/objectives/valid_cross_entropy.ts";
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
const nothing = () => tf.fill([2, 3, 5], 255, "int32");

onEachBackend("validCrossEntropy() has the gradient of finite differences", async () => {
  const ids = labels();
  await assertGradients((z) => validCrossEntropy(z as tf.Tensor, ids), [logits()]);
});

onEachBackend(
  "hardExampleCrossEntropy() has the gradient of its kept pixels",
  async () => {
    const ids = labels();
    const options = { threshold: 0.2, minimumKept: 7 };
    await assertGradients((z) => hardExampleCrossEntropy(z as tf.Tensor, ids, options), [
      logits(),
    ]);
  },
);

onEachBackend("hardExampleCrossEntropy() keeps all of too few labels", async () => {
  const options = { threshold: 0.01, minimumKept: 25 };
  const all = validCrossEntropy(logits(), labels());
  await assertClose(hardExampleCrossEntropy(logits(), labels(), options), all, 1e-6);
});

onEachBackend("unsupervisedLoss() has the gradient of finite differences", async () => {
  const ids = dropUncertain(
    labels(),
    randomTensor<tf.Rank.R4>([2, 3, 5, 4], "teacher"),
    80,
  );
  await assertGradients((z) => unsupervisedLoss(z as tf.Tensor, ids), [logits()]);
});

onEachBackend("losses without a single label are 0, not NaN", async () => {
  const options = { threshold: 0.7, minimumKept: 3 };
  await assertClose(validCrossEntropy(logits(), nothing()), [0], 0);
  await assertClose(hardExampleCrossEntropy(logits(), nothing(), options), [0], 0);
  const ids = dropUncertain(nothing(), logits(), 80);
  await assertClose(ids, nothing(), 0);
  await assertClose(unsupervisedLoss(logits(), ids), [0], 0);
});

onEachBackend("accuracy() counts ignored pixels as wrong", async () => {
  const z = tf.tensor4d([1, 0, 0, 1, 1, 0, 1, 0], [1, 2, 2, 2]);
  const ids = tf.tensor3d([0, 1, 1, 255], [1, 2, 2], "int32");
  await assertClose(accuracy(z, ids), [0.5], 0);
});
