/** Golden files of choices and counts: sampling, labels, mixing, metrics. @module */
import { chooseClasses, classesOf, mixMask } from "../../augment/class_mix.ts";
import { applyStrong } from "../../augment/strong.ts";
import { readBack } from "../../core/backend.ts";
import { IMAGENET } from "../../core/host_batch.ts";
import { createRandom } from "../../core/random.ts";
import * as tf from "../../core/tf.ts";
import { z } from "../../core/zod.ts";
import { rareClassProbabilities } from "../../data/rare_classes.ts";
import { downscaleLabels } from "../../objectives/downscale_label.ts";
import {
  addToConfusion,
  classCountsOf,
  createConfusion,
} from "../../objectives/confusion.ts";
import { scoresOf } from "../../objectives/iou.ts";
import type { CheckResult } from "../check.ts";
import type { Golden } from "../golden_file.ts";
import { compare, compareTensor, EXACT } from "./compare.ts";
import {
  CHANNELS_LAST,
  inverse,
  orderedTensor,
  partOf,
  shapeOf,
  valuesOf,
} from "./vector_file.ts";

const FLOATS = { absolute: 1e-6 };
// The reference's softmax cancels in float32.
const PROBABILITIES = { relative: 2e-3 };

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
  const results = [...verifyRareClasses(golden), ...verifyDownscale(golden)];
  for (const [i, setting] of partOf(golden, "classmix", ClassMix).entries()) {
    results.push(...await verifyClassMix(golden, i, setting));
  }
  for (const [i, expected] of partOf(golden, "metrics", Metrics).entries()) {
    results.push(...verifyMetrics(golden, i, expected));
  }
  return results;
}

function verifyRareClasses(golden: Golden): CheckResult[] {
  const rcs = partOf(golden, "rcs", RareClasses);
  if (rcs === undefined) return [];
  const totals: number[] = [];
  for (const { file: _, ...counts } of rcs.sample_class_stats) {
    for (const [id, count] of Object.entries(counts)) {
      totals[Number(id)] = (totals[Number(id)] ?? 0) + Number(count);
    }
  }
  const pixels = Array.from(totals, (count) => count ?? 0);
  return rcs.expected.flatMap(({ temperature, classes_in_order, probabilities }) => {
    const own = rareClassProbabilities(pixels, temperature);
    const name = `rcs temperature ${temperature}`;
    return [
      compare(`${name} classes`, own.classes, classes_in_order, EXACT),
      ...probabilities.map((p, i) =>
        compare(
          `${name} probability of class ${classes_in_order[i]}`,
          [own.probabilities[i] ?? NaN],
          [p],
          PROBABILITIES,
        )
      ),
    ];
  });
}

function verifyDownscale(golden: Golden): CheckResult[] {
  return partOf(golden, "downscale", Downscale).map((setting, i) => {
    const path = `input/downscale${i}/label`;
    const [, , height = 0, width = 0] = shapeOf(golden, path);
    const coarse = downscaleLabels(
      Uint8Array.from(valuesOf(golden, path)),
      { height, width },
      {
        classes: setting.n_classes,
        factor: setting.scale_factor,
        minimumShare: setting.min_ratio,
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
    images: orderedTensor(golden, `${input}/source_img`, CHANNELS_LAST),
    labels: tf.tidy(() => tf.reshape(orderedTensor(golden, `${input}/label`), [B, H, W])),
  };
  const target = {
    images: orderedTensor(golden, `${input}/target_img`, CHANNELS_LAST),
    labels: orderedTensor(golden, `${input}/pseudo_label`),
    weights: tf.fill([B, H, W], 0.25),
  };
  const classes = setting.chosen_classes_per_image;
  const mask = mixMask(source.labels, classes);
  const augmentation = { classes, jitter: null, sigmas: null };
  const mixed = applyStrong({ source, target }, augmentation, IMAGENET);
  const images = tf.transpose(mixed.images, inverse(CHANNELS_LAST));
  const marks = await readBack(mask);
  const weights = Float32Array.from(marks, (marked) => marked === 1 ? 1 : 0.25);
  const results = [
    compare(
      `classmix${index} classes of the batch`,
      classesOf(values),
      setting.unique_classes_of_the_whole_batch,
      EXACT,
    ),
    compare(
      `classmix${index} number of chosen classes`,
      chosen.map(({ length }) => length),
      chosen.map(() => setting.number_chosen),
      EXACT,
    ),
    compare(`${output}/mask`, marks, valuesOf(golden, `${output}/mask`), EXACT),
    await compareTensor(
      `${output}/mixed_img`,
      images,
      valuesOf(golden, `${output}/mixed_img`),
      FLOATS,
    ),
    await compareTensor(
      `${output}/mixed_label`,
      mixed.labels,
      valuesOf(golden, `${output}/mixed_label`),
      EXACT,
    ),
    await compareTensor(`classmix${index} weights`, mixed.weights, weights, EXACT),
  ];
  tf.dispose([source, target, mask, mixed.images]);
  return results;
}

function verifyMetrics(
  golden: Golden,
  index: number,
  expected: z.infer<typeof Metrics>[number],
): CheckResult[] {
  const confusion = createConfusion(expected.num_classes);
  addToConfusion(
    confusion,
    valuesOf(golden, `input/metrics${index}/pred`),
    valuesOf(golden, `input/metrics${index}/label`),
  );
  const { classes, mIoU, meanAccuracy, pixelAccuracy } = scoresOf(confusion);
  const counts = classCountsOf(confusion);
  const output = `output/metrics${index}`;
  const union = counts.labelled.map((L, c) =>
    L + (counts.predicted[c] ?? 0) - (counts.intersection[c] ?? 0)
  );
  // A NaN in a list of figures is written as null; -1 stands for it on both sides.
  const orMinus = (list: readonly (number | null)[]) =>
    list.map((one) => one === null || Number.isNaN(one) ? -1 : one);
  const orZero = (list: readonly number[]) => list.map((one) => one || 0);
  const ious = classes.map(({ iou }) => iou);
  const list = (name: string, actual: readonly number[], recorded: typeof ious) =>
    compare(`metrics${index} ${name}`, actual, recorded, FLOATS);
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
      counts.labelled,
      valuesOf(golden, `${output}/target`),
      EXACT,
    ),
    list("IoU", orMinus(ious), orMinus(expected.mmseg_IoU)),
    list(
      "accuracy",
      orMinus(classes.map(({ accuracy }) => accuracy)),
      orMinus(expected.mmseg_Acc),
    ),
    list(
      "Dice",
      orMinus(classes.map(({ dice }) => dice)),
      orMinus(expected.mmseg_Dice),
    ),
    list("pixel accuracy", [pixelAccuracy], [expected.mmseg_aAcc]),
    list("mean IoU", [mIoU], [expected.mmseg_mIoU_nanmean]),
    list("mean accuracy", [meanAccuracy], [expected.mmseg_mAcc_nanmean]),
    // The semi-supervised code counts absent classes as 0.
    list("IoU, absent as 0", orZero(ious), orMinus(expected.semi_seg_IoU)),
    list(
      "mean IoU, absent as 0",
      [orZero(ious).reduce((sum, one) => sum + one, 0) / ious.length],
      [expected.semi_seg_mIoU_mean],
    ),
  ];
}
