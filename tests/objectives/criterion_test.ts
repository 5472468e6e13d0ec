// Against recorded values: tests/golden/criterion.json holds logits, labels and what PyTorch
// 2.13 makes of them in float64: `cross_entropy` with its options, a softmax focal loss, the
// Dice loss of segmentation_models.pytorch, and lovasz_losses.py of the authors of the
// Lovász-softmax loss. Class 4 is absent, class 3 from the second image.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import {
  type Criterion,
  criterionLoss,
  type CriterionTerm,
  isPerMicroBatch,
} from "../../src/objectives/criterion.ts";
import { CROSS_ENTROPY, DICE, FOCAL, LOVASZ } from "../support/criterion.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

interface Golden {
  readonly shape: [number, number, number, number];
  readonly logits: readonly number[];
  readonly labels: readonly number[];
  readonly classWeights: readonly number[];
  readonly cases: Readonly<
    Record<string, { readonly loss: number; readonly gradient: readonly number[] }>
  >;
}

const golden: Golden = JSON.parse(
  await Deno.readTextFile(new URL("../golden/criterion.json", import.meta.url)),
);

const { classWeights } = golden;

const TERMS: Readonly<Record<string, CriterionTerm>> = {
  "cross-entropy": CROSS_ENTROPY,
  "cross-entropy, all pixels": { ...CROSS_ENTROPY, average: "all" },
  "cross-entropy, smoothed": { ...CROSS_ENTROPY, labelSmoothing: 0.1 },
  "cross-entropy, weighted": { ...CROSS_ENTROPY, classWeights },
  "cross-entropy, weighted, all pixels": {
    ...CROSS_ENTROPY,
    ...{ average: "all", classWeights },
  },
  "cross-entropy, weighted and smoothed": {
    ...CROSS_ENTROPY,
    ...{ labelSmoothing: 0.2, classWeights },
  },
  "focal, gamma 2": FOCAL,
  "focal, gamma 0.5, weighted": { ...FOCAL, gamma: 0.5, classWeights },
  "focal, gamma 3, all pixels": { ...FOCAL, gamma: 3, average: "all" },
  dice: DICE,
  "dice, smooth 1": { ...DICE, smooth: 1 },
  "dice, per image": { ...DICE, per: "image" },
  "lovasz-softmax, present": LOVASZ,
  "lovasz-softmax, all": { ...LOVASZ, classes: "all" },
  "lovasz-softmax, present, per image": { ...LOVASZ, per: "image" },
  "lovasz-softmax, all, per image": { ...LOVASZ, classes: "all", per: "image" },
};

const goldenLogits = () => tf.tensor4d([...golden.logits], golden.shape);
const goldenLabels = () =>
  tf.tensor3d(
    [...golden.labels],
    golden.shape.slice(0, 3) as [number, number, number],
    "int32",
  );

/** The loss of logits without auxiliary ones. */
function lossOf(
  terms: readonly CriterionTerm[],
  logits: tf.Tensor,
  labels: tf.Tensor,
  batchLabels = labels,
): tf.Scalar {
  const output = { logits: logits as tf.Tensor4D, auxiliaryLogits: [] };
  const criterion: Criterion = { terms, logsTerms: false };
  return criterionLoss(criterion, output, { labels, batchLabels }, {}, () => {});
}

onEachBackend("criterionLoss() is what PyTorch and the authors compute", async () => {
  assert.deepEqual(Object.keys(TERMS), Object.keys(golden.cases));
  const labels = goldenLabels();
  for (const [name, term] of Object.entries(TERMS)) {
    const { value, grad } = tf.valueAndGrad((z) => lossOf([term], z, labels))(
      goldenLogits(),
    );
    const { loss, gradient } = golden.cases[name] ?? assert.fail();
    await assertClose(value, [loss], 2e-6, `${name}: loss`);
    await assertClose(tf.reshape(grad, [-1]), gradient, 1e-5, `${name}: gradient`);
  }
});

onEachBackend("criterionLoss() matches finite-difference gradients", async () => {
  const labels = goldenLabels();
  // Upsampled, and far from where two errors are the same.
  const small = tf.image.resizeBilinear(goldenLogits(), [2, 3]);
  const terms = Object.values(TERMS).filter(({ name }) => name !== "lovasz-softmax");
  for (const term of [...terms, LOVASZ]) {
    await assertGradients((z) => lossOf([term], z as tf.Tensor, labels), [small]);
  }
});

onEachBackend("criterionLoss() is 0 without a labeled pixel", async () => {
  const ignored = tf.fill([2, 4, 5], 255, "int32");
  for (const [name, term] of Object.entries(TERMS)) {
    const { value, grad } = tf.valueAndGrad((z) => lossOf([term], z, ignored))(
      goldenLogits(),
    );
    await assertClose(value, [0], 0, name);
    await assertClose(grad, tf.zerosLike(grad), 0, `${name}: gradient`);
  }
});

onEachBackend(
  "criterionLoss() of logits that are no numbers is none either",
  async () => {
    const logits = tf.mul(goldenLogits(), NaN);
    for (const [name, term] of Object.entries(TERMS)) {
      const [value = 0] = await readBack(lossOf([term], logits, goldenLabels()));
      assert.ok(!Number.isFinite(value), `${name}: ${value}`);
    }
  },
);

onEachBackend("criterionLoss() adds up terms and auxiliary logits", async () => {
  const labels = goldenLabels();
  const [logits, auxiliary] = [goldenLogits(), randomTensor<tf.Rank.R4>([2, 2, 3, 5])];
  const output = {
    logits,
    auxiliaryLogits: [{ logits: auxiliary, lossWeight: 0.4 }],
  };
  const terms = [{ ...CROSS_ENTROPY, weight: 0.5 }, { ...DICE, weight: 2 }, FOCAL];
  const logged = new Map<string, tf.Scalar>();
  const before = tf.memory().numTensors;
  const loss = tf.tidy(() =>
    criterionLoss({ terms, logsTerms: true }, output, { labels }, {}, (name, share) => {
      logged.set(name, tf.keep(tf.clone(share)));
    })
  );
  assert.equal(tf.memory().numTensors, before + 1 + terms.length);
  assert.deepEqual([...logged.keys()], ["cross-entropy", "dice", "focal"]);
  const shareOf = async (term: CriterionTerm) => {
    const [main = NaN] = await readBack(lossOf([term], logits, labels));
    const [other = NaN] = await readBack(lossOf([term], auxiliary, labels));
    return main + 0.4 * other;
  };
  let sum = 0;
  for (const term of terms) {
    const share = await shareOf(term);
    await assertClose(logged.get(term.name) ?? assert.fail(), [share], 2e-6, term.name);
    sum += share;
  }
  await assertClose(loss, [sum], 2e-6);
});

onEachBackend("criterionLoss() of micro-batches has the mean of the batch", async () => {
  const [logits, labels] = [goldenLogits(), goldenLabels()];
  for (const [name, term] of Object.entries(TERMS)) {
    const parts = [0, 1].map((image) =>
      lossOf(
        [term],
        tf.slice(logits, [image, 0, 0, 0], [1, 4, 5, 5]),
        tf.slice(labels, [image, 0, 0], [1, 4, 5]),
        labels,
      )
    );
    const mean = tf.div(tf.addN(parts), 2);
    const [difference = NaN] = await readBack(
      tf.sub(mean, lossOf([term], logits, labels)),
    );
    // Images have other numbers of labeled pixels, and other classes.
    assert.equal(Math.abs(difference) > 1e-5, isPerMicroBatch(term), name);
  }
});
