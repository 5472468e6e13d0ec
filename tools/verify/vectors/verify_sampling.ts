/** Golden files of choices and counts: sampling, labels, mixing, metrics. @module */
import {
  chooseClasses,
  classMixMask,
  uniqueLabels,
} from "../../../src/augment/class_mix.ts";
import { applyStrongAugmentation } from "../../../src/augment/strong_augmentation.ts";
import { readBack } from "../../../src/core/backend.ts";
import { IMAGENET } from "../../../src/core/host_batch.ts";
import { createRandom } from "../../../src/core/random.ts";
import * as tf from "../../../src/core/tf.ts";
import * as z from "../../../src/core/zod.ts";
import { rareClassProbabilities } from "../../../src/data/sampler.ts";
import { downscaleLabels } from "../../../src/objectives/feature_distance.ts";
import {
  addToConfusionMatrix,
  computeMetrics,
  createConfusionMatrix,
  pixelCountsOf,
} from "../../../src/objectives/segmentation_metrics.ts";
import type { CheckResult } from "../../../src/doctor/check.ts";
import { channelsFirst, channelsLastTensor, type Golden } from "../golden_file.ts";
import { compare, compareTensor, EXACT } from "./compare.ts";
import { orderedTensor, shapeOf, sidecarValue, valuesOf } from "./vector_file.ts";

const FLOAT_TOLERANCE = { absolute: 1e-6 };
// The reference's softmax cancels in float32.
const PROBABILITY_TOLERANCE = { relative: 2e-3 };

const ints = z.array(z.int());
const Statistics = z.record(z.string(), z.union([z.string(), z.int()]));
const RareClasses = z.object({
  sample_class_stats: z.array(Statistics),
  expected: z.array(z.object({
    temperature: z.number(),
    classes_in_order: ints,
    probabilities: z.array(z.number()),
  })),
}).optional();
const Downscale = z.array(z.object({
  scale_factor: z.int(),
  min_ratio: z.number(),
  n_classes: z.int(),
})).default([]);
const ClassMix = z.array(z.object({
  unique_classes_of_the_whole_batch: ints,
  number_chosen: z.int(),
  chosen_classes_per_image: z.array(ints),
})).default([]);
const figures = z.array(z.number().nullable());
const Metrics = z.array(z.object({
  num_classes: z.int(),
  mmseg_IoU: figures,
  mmseg_Acc: figures,
  mmseg_aAcc: z.number(),
  mmseg_mIoU_nanmean: z.number(),
  mmseg_mAcc_nanmean: z.number(),
  mmseg_Dice: figures,
  semi_seg_IoU: figures,
  semi_seg_mIoU_mean: z.number(),
})).default([]);

/** Verifies everything in the file. */
export async function verifySampling(golden: Golden): Promise<CheckResult[]> {
  const results = [...verifyRareClasses(golden), ...verifyDownscaledLabels(golden)];
  for (const [i, setting] of sidecarValue(golden, "classmix", ClassMix).entries()) {
    results.push(...await verifyClassMix(golden, i, setting));
  }
  for (const [i, expected] of sidecarValue(golden, "metrics", Metrics).entries()) {
    results.push(...verifyMetrics(golden, i, expected));
  }
  return results;
}

function verifyRareClasses(golden: Golden): CheckResult[] {
  const rareClasses = sidecarValue(golden, "rcs", RareClasses);
  if (rareClasses === undefined) return [];
  const totals: number[] = [];
  for (const { file: _, ...counts } of rareClasses.sample_class_stats) {
    for (const [id, count] of Object.entries(counts)) {
      totals[Number(id)] = (totals[Number(id)] ?? 0) + Number(count);
    }
  }
  const pixels = Array.from(totals, (count) => count ?? 0);
  return rareClasses.expected.flatMap(
    ({ temperature, classes_in_order, probabilities }) => {
      const actual = rareClassProbabilities(pixels, temperature);
      const name = `rcs temperature ${temperature}`;
      return [
        compare(`${name} classes`, actual.classes, classes_in_order, EXACT),
        ...probabilities.map((p, i) =>
          compare(
            `${name} probability of class ${classes_in_order[i]}`,
            [actual.probabilities[i] ?? NaN],
            [p],
            PROBABILITY_TOLERANCE,
          )
        ),
      ];
    },
  );
}

function verifyDownscaledLabels(golden: Golden): CheckResult[] {
  return sidecarValue(golden, "downscale", Downscale).map((setting, i) => {
    const path = `input/downscale${i}/label`;
    const [, , height = 0, width = 0] = shapeOf(golden, path);
    const coarse = downscaleLabels(
      Uint8Array.from(valuesOf(golden, path)),
      { height, width },
      {
        classCount: setting.n_classes,
        factor: setting.scale_factor,
        scaleMinRatio: setting.min_ratio,
      },
    );
    const output = `output/downscale${i}`;
    return compare(output, coarse, valuesOf(golden, output), EXACT);
  });
}

async function verifyClassMix(
  golden: Golden,
  index: number,
  setting: z.infer<typeof ClassMix>[number],
): Promise<CheckResult[]> {
  const [input, output] = [`input/classmix${index}`, `output/classmix${index}`];
  const values = Uint8Array.from(valuesOf(golden, `${input}/label`));
  const [B = 0, , H = 0, W = 0] = shapeOf(golden, `${input}/label`);
  const chosen = chooseClasses(values, B, "batch", createRandom(0, "verify"));

  const source = {
    images: channelsLastTensor(golden, `${input}/source_img`),
    labels: tf.tidy(() => tf.reshape(orderedTensor(golden, `${input}/label`), [B, H, W])),
  };
  const target = {
    images: channelsLastTensor(golden, `${input}/target_img`),
    labels: orderedTensor(golden, `${input}/pseudo_label`),
    pixelWeights: tf.fill([B, H, W], 0.25),
  };
  const classes = setting.chosen_classes_per_image;
  const mask = classMixMask(source.labels, classes);
  const augmentation = { classes, jitter: null, sigmas: null };
  const mixed = applyStrongAugmentation({ source, target }, augmentation, IMAGENET);
  const images = channelsFirst(mixed.images);
  const maskValues = await readBack(mask);
  const weights = Float32Array.from(maskValues, (inMask) => inMask === 1 ? 1 : 0.25);
  const results = [
    compare(
      `classmix${index} classes of the batch`,
      uniqueLabels(values),
      setting.unique_classes_of_the_whole_batch,
      EXACT,
    ),
    compare(
      `classmix${index} number of chosen classes`,
      chosen.map(({ length }) => length),
      chosen.map(() => setting.number_chosen),
      EXACT,
    ),
    compare(`${output}/mask`, maskValues, valuesOf(golden, `${output}/mask`), EXACT),
    await compareTensor(
      `${output}/mixed_img`,
      images,
      valuesOf(golden, `${output}/mixed_img`),
      FLOAT_TOLERANCE,
    ),
    await compareTensor(
      `${output}/mixed_label`,
      mixed.labels,
      valuesOf(golden, `${output}/mixed_label`),
      EXACT,
    ),
    await compareTensor(`classmix${index} weights`, mixed.pixelWeights, weights, EXACT),
  ];
  tf.dispose([source, target, mask, mixed.images]);
  return results;
}

function verifyMetrics(
  golden: Golden,
  index: number,
  expected: z.infer<typeof Metrics>[number],
): CheckResult[] {
  const confusion = createConfusionMatrix(expected.num_classes);
  addToConfusionMatrix(
    confusion,
    valuesOf(golden, `input/metrics${index}/pred`),
    valuesOf(golden, `input/metrics${index}/label`),
  );
  const { classes, mIoU, meanAccuracy, pixelAccuracy } = computeMetrics(confusion);
  const counts = pixelCountsOf(confusion);
  const output = `output/metrics${index}`;
  const union = counts.labeled.map((L, c) =>
    L + (counts.predicted[c] ?? 0) - (counts.intersection[c] ?? 0)
  );
  // A NaN in a list of figures is written as null; -1 stands for it on both sides.
  const nanAsMinusOne = (list: readonly (number | null)[]) =>
    list.map((value) => value === null || Number.isNaN(value) ? -1 : value);
  const nanAsZero = (list: readonly number[]) => list.map((value) => value || 0);
  const ious = classes.map(({ iou }) => iou);
  const list = (name: string, actual: readonly number[], recorded: typeof ious) =>
    compare(`metrics${index} ${name}`, actual, recorded, FLOAT_TOLERANCE);
  return [
    compare(
      `${output}/intersection`,
      counts.intersection,
      valuesOf(golden, `${output}/intersection`),
      EXACT,
    ),
    compare(`${output}/union`, union, valuesOf(golden, `${output}/union`), EXACT),
    compare(
      `${output}/target`,
      counts.labeled,
      valuesOf(golden, `${output}/target`),
      EXACT,
    ),
    list("IoU", nanAsMinusOne(ious), nanAsMinusOne(expected.mmseg_IoU)),
    list(
      "accuracy",
      nanAsMinusOne(classes.map(({ accuracy }) => accuracy)),
      nanAsMinusOne(expected.mmseg_Acc),
    ),
    list(
      "Dice",
      nanAsMinusOne(classes.map(({ dice }) => dice)),
      nanAsMinusOne(expected.mmseg_Dice),
    ),
    list("pixel accuracy", [pixelAccuracy], [expected.mmseg_aAcc]),
    list("mean IoU", [mIoU], [expected.mmseg_mIoU_nanmean]),
    list("mean accuracy", [meanAccuracy], [expected.mmseg_mAcc_nanmean]),
    // The semi-supervised code counts absent classes as 0.
    list("IoU, absent as 0", nanAsZero(ious), nanAsMinusOne(expected.semi_seg_IoU)),
    list(
      "mean IoU, absent as 0",
      [nanAsZero(ious).reduce((sum, value) => sum + value, 0) / ious.length],
      [expected.semi_seg_mIoU_mean],
    ),
  ];
}
