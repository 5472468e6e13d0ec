// deno-lint-ignore-file camelcase -- the keys of the golden files
/** Golden files of loss functions: value and gradient with respect to the logits. @module */
import * as tf from "../../../src/core/tf.ts";
import * as z from "../../../src/core/zod.ts";
import {
  meanCrossEntropy,
  ohemCrossEntropy,
  validCrossEntropy,
} from "../../../src/objectives/cross_entropy.ts";
import { featureDistance } from "../../../src/objectives/feature_distance.ts";
import {
  filterByEntropy,
  maskedEntropy,
  unsupervisedLoss,
} from "../../../src/objectives/unsupervised_loss.ts";
import { argmaxConfidence } from "../../../src/ops/argmax_confidence/argmax_confidence.ts";
import { softmaxCrossEntropy } from "../../../src/ops/cross_entropy/cross_entropy.ts";
import type { CheckResult } from "../../../src/doctor/check.ts";
import { channelsFirst, type Golden } from "../golden_file.ts";
import {
  compareTensor,
  EXACT,
  failedCheck,
  FORWARD,
  GRADIENT,
  withNote,
} from "./compare.ts";
import { CHANNELS_LAST, orderedTensor, sidecarValue, valuesOf } from "./vector_file.ts";

const Ohem = z.array(
  z.object({ name: z.string(), thresh: z.number(), min_kept: z.int().nonnegative() }),
).default([]);
const Unsupervised = z.array(z.object({ name: z.string(), drop_percent: z.number() }))
  .default([]);

// The weight of the auxiliary loss is part of the name: "aux_0p4".
const AUXILIARY_WEIGHT_SUFFIX = /_0p(\d+)$/;

/** The loss of one case as a function of its features or logits (channels last). */
type Loss = (logits: tf.Tensor) => tf.Tensor;

interface LossCase {
  readonly input: string;
  readonly loss: Loss;
}

/** Verifies every loss of the file; a name that is not known fails. */
export async function verifyLosses(golden: Golden): Promise<CheckResult[]> {
  const losses = lossesOf(golden);
  const results: CheckResult[] = [];
  for (const path of golden.tensors.keys()) {
    const [kind, name = "", suffix] = path.split("/");
    if (kind !== "output") continue;
    const lossCase = losses[name];
    if (suffix === "target_after") {
      results.push(await verifyFilteredTarget(golden, name, path));
    } else if (name === "accuracy_top1_percent") {
      results.push(await verifyAccuracy(golden, path));
    } else if (lossCase === undefined || suffix !== undefined) {
      results.push(failedCheck(path, `the loss is unknown`));
    } else {
      results.push(...await verifyLoss(golden, name, lossCase));
    }
  }
  return results;
}

function lossesOf(golden: Golden): Record<string, LossCase> {
  const labels = orderedTensor(golden, "input/label");
  const pixelWeight = orderedTensor(golden, "input/pixel_weight");
  const onLogits = (loss: Loss): LossCase => ({ input: "input/logits", loss });
  const cases: Record<string, LossCase> = {
    ce_mean: onLogits((z) => meanCrossEntropy(z, labels, null)),
    ce_pixel_weighted: onLogits((z) => meanCrossEntropy(z, labels, pixelWeight)),
    ce_none: onLogits((z) => softmaxCrossEntropy(z, labels)),
    ce_sum: onLogits((z) => tf.sum(softmaxCrossEntropy(z, labels))),
    ce_loss_weight_0p4: onLogits((z) => tf.mul(meanCrossEntropy(z, labels, null), 0.4)),
    ce_class_weighted: onLogits((z) =>
      meanCrossEntropy(z, labels, classWeights(golden, labels.shape))
    ),
    ce_torch_mean_over_valid: onLogits((z) => validCrossEntropy(z, labels)),
    ce_all_ignored: onLogits((z) =>
      meanCrossEntropy(z, tf.fill(labels.shape, 255, "int32"), null)
    ),
  };
  for (const { name, thresh, min_kept } of sidecarValue(golden, "ohem", Ohem)) {
    const options = { threshold: thresh, minKept: min_kept };
    cases[name] = onLogits((z) => ohemCrossEntropy(z, labels, options));
  }
  for (
    const { name, drop_percent } of sidecarValue(golden, "unsupervised", Unsupervised)
  ) {
    cases[name] = onLogits((z) => {
      const teacher = orderedTensor(golden, "input/teacher_logits", CHANNELS_LAST);
      return unsupervisedLoss(
        z,
        filterByEntropy(labels, maskedEntropy(labels, teacher), drop_percent),
      );
    });
  }
  return { ...cases, ...auxiliaryCases(golden, labels), ...featureDistanceCases(golden) };
}

// Main loss plus a share of the same loss of the auxiliary logits.
function auxiliaryCases(golden: Golden, labels: tf.Tensor): Record<string, LossCase> {
  const mainAndAuxiliary = (criterion: Loss, weight: number): LossCase => ({
    input: "input/logits",
    loss: (z) => {
      const auxiliary = orderedTensor(golden, "input/aux_logits", CHANNELS_LAST);
      return tf.add(criterion(z), tf.mul(criterion(auxiliary), weight));
    },
  });
  const cases: Record<string, LossCase> = {};
  // The file does not say which of its OHEM settings the criterion has; only the first
  // gives the recorded value.
  const [setting] = sidecarValue(golden, "ohem", Ohem);
  for (const path of golden.tensors.keys()) {
    const name = path.replace("output/", "");
    if (!name.startsWith("criterion_")) continue;
    const weight = Number(`0.${AUXILIARY_WEIGHT_SUFFIX.exec(name)?.[1] ?? "0"}`);
    cases[name] = mainAndAuxiliary((z) => {
      if (!name.includes("ohem")) return validCrossEntropy(z, labels);
      const { thresh = 0, min_kept = 0 } = setting ?? {};
      const options = { threshold: thresh, minKept: min_kept };
      return ohemCrossEntropy(z, labels, options);
    }, weight);
  }
  return cases;
}

function featureDistanceCases(golden: Golden): Record<string, LossCase> {
  const distance = (mask: () => tf.Tensor | null): LossCase => ({
    input: "input/fdist/f1",
    loss: (features) => {
      const frozen = orderedTensor(golden, "input/fdist/f2", CHANNELS_LAST);
      return featureDistance(features, frozen, mask(), 1);
    },
  });
  const storedMask = () => {
    const [B = 0, , H = 0, W = 0] = golden.tensors.get("input/fdist/mask")?.shape ?? [];
    return tf.reshape(orderedTensor(golden, "input/fdist/mask"), [B, H, W]);
  };
  return {
    fdist_masked: distance(storedMask),
    fdist_unmasked: distance(() => null),
    fdist_empty_mask: distance(() => tf.zerosLike(storedMask())),
  };
}

async function verifyLoss(
  golden: Golden,
  name: string,
  { input, loss }: LossCase,
): Promise<CheckResult[]> {
  const logits = orderedTensor(golden, input, CHANNELS_LAST);
  const value = tf.tidy(() => loss(logits));
  const gradient = tf.tidy(() => {
    const [inputGradient] = tf.grads((z: tf.Tensor) => tf.sum(loss(z)))([logits]);
    return channelsFirst(inputGradient as tf.Tensor);
  });
  logits.dispose();
  const recorded = valuesOf(golden, `output/${name}`);
  // Where the reference logs NaN (an empty mean) the loss here is 0.
  const empty = recorded.some((one) => Number.isNaN(one));
  const expected = empty ? recorded.map((one) => one || 0) : recorded;
  const result = await compareTensor(`output/${name}`, value, expected, FORWARD);
  const path = `grad/${name}`;
  return [
    empty ? withNote(result, "the golden has NaN here, this implementation 0") : result,
    await compareTensor(path, gradient, valuesOf(golden, path), GRADIENT),
  ];
}

async function verifyFilteredTarget(
  golden: Golden,
  name: string,
  path: string,
): Promise<CheckResult> {
  const setting = sidecarValue(golden, "unsupervised", Unsupervised)
    .find((one) => one.name === name);
  if (setting === undefined) {
    return failedCheck(path, `the file has no setting "${name}"`);
  }
  const dropped = tf.tidy(() => {
    const labels = orderedTensor(golden, "input/label");
    const teacher = orderedTensor(golden, "input/teacher_logits", CHANNELS_LAST);
    return filterByEntropy(labels, maskedEntropy(labels, teacher), setting.drop_percent);
  });
  return await compareTensor(path, dropped, valuesOf(golden, path), EXACT);
}

function verifyAccuracy(golden: Golden, path: string): Promise<CheckResult> {
  const percent = tf.tidy(() => {
    const logits = orderedTensor(golden, "input/logits", CHANNELS_LAST);
    const { labels: predicted } = argmaxConfidence(logits);
    // Ignored pixels never match and stay in the denominator, as in mmsegmentation.
    const matches = tf.equal(predicted, orderedTensor(golden, "input/label"));
    return tf.mul(tf.mean(tf.cast(matches, "float32")), 100);
  });
  return compareTensor(path, percent, valuesOf(golden, path), FORWARD);
}

// The weight of each pixel's class; ignored pixels have loss 0 whatever it is.
function classWeights(golden: Golden, shape: number[]): tf.Tensor {
  const weights = valuesOf(golden, "input/class_weight");
  const labels = valuesOf(golden, "input/label");
  return tf.tensor(Float32Array.from(labels, (label) => weights[label] ?? 0), shape);
}
