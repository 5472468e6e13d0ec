/** Settings that do not do what one may expect of them. @module */
import { criterionTerms } from "../config/criterion.ts";
import {
  isSemiSupervised,
  type SemiSupervisedConfig,
  usesTarget,
} from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import { describeFormat } from "../core/host_batch.ts";
import { displayNote } from "../formats/display_rgb.ts";
import { isPerMicroBatch, isPerRank } from "../objectives/criterion.ts";
import { learningRateAt } from "../optim/learning_rate.ts";

/**
 * What a user should know about the settings before a run; a sentence each.
 *
 * @param ranks How many processes train together.
 */
export function configWarnings(
  { method, iterations, model, data, optimizer }: RunConfig,
  ranks: number = 1,
): string[] {
  const notes: string[] = [];
  if (optimizer.freeze.length > 0 && model.pretrained === null) {
    notes.push(
      'what "optimizer.freeze" keeps stays as random as it starts: "model.pretrained" is ' +
        "null; name weights to keep there",
    );
  }
  if (
    optimizer.freeze.includes("encoder") && "featureDistance" in method &&
    method.featureDistance !== null
  ) {
    notes.push(
      '"method.featureDistance" changes nothing: it keeps features near those at the ' +
        'start, and "optimizer.freeze" keeps all of the encoder; set it to null',
    );
  }
  const { warmupIterations } = optimizer;
  if (warmupIterations >= iterations) {
    const share = highestLearningRate(optimizer, iterations) / optimizer.learningRate;
    notes.push(
      `all ${iterations} iterations are warm-up, and the learning rate gets no higher than ` +
        `${Number((100 * share).toPrecision(2))} % of "optimizer.learningRate": set ` +
        `"optimizer.warmupIterations" (${warmupIterations}) to a fraction of "iterations"`,
    );
  }
  const most = 2 ** data.bitDepth - 1;
  if (data.normalization.std.every((deviation) => deviation < 1)) {
    notes.push(
      '"data.normalization" is of pixels in 0 … 1, and those here are in 0 … ' +
        `${most}: multiply both "mean" and "std" by ${most}`,
    );
  }
  const shown = displayNote(data);
  if (shown !== null) notes.push(shown);
  if (data.channels < 3 && jittersColors(method)) {
    notes.push(
      `colors are not jittered: images of ${
        describeFormat(data)
      } have none, and the other ` +
        "strong augmentations are as they are set",
    );
  }
  const jitter = data.augmentation?.colorJitter;
  if (data.channels < 3 && jitter && jitter.saturation + jitter.hue > 0) {
    notes.push(
      '"saturation" and "hue" of "data.augmentation.colorJitter" change nothing: images of ' +
        `${describeFormat(data)} have no colors; set them to 0`,
    );
  }
  if (data.randomScale === null && data.randomScaleDistribution === "uniform") {
    notes.push(
      '"data.randomScaleDistribution" changes nothing: no factors are drawn, as ' +
        '"data.randomScale" is null; set it to a range, as [0.5, 2]',
    );
  }
  const terms = criterionTerms(method.criterion);
  const perMicroBatch = terms.filter(isPerMicroBatch);
  if (optimizer.accumulationSteps > 1 && perMicroBatch.length > 0) {
    notes.push(
      `${namesAreOf(perMicroBatch)} the regions of a micro-batch, not of the batch, ` +
        `because of "optimizer.accumulationSteps" (${optimizer.accumulationSteps}): for ` +
        'it not to matter, set "per: image"',
    );
  }
  const perRank = terms.filter(isPerRank);
  if (ranks > 1 && perRank.length > 0) {
    notes.push(
      `${namesAreOf(perRank)} the regions of each rank's images, not of those of all ` +
        `${ranks} ranks: for their number not to matter, set "per: image"`,
    );
  }
  if (!isSemiSupervised(method)) return notes;
  const { supervisedOnlyIterations, teacher: { copyIterations } } = method;
  if (supervisedOnlyIterations >= iterations) {
    notes.push(
      `all ${iterations} iterations are supervised only: for the method to begin, set ` +
        `"method.supervisedOnlyIterations" (${supervisedOnlyIterations}) below "iterations"`,
    );
  } else if (supervisedOnlyIterations + copyIterations >= iterations) {
    notes.push(
      "the teacher is a copy of the student in all iterations: for it to be an EMA, set " +
        `"method.teacher.copyIterations" (${copyIterations}) below ` +
        `${iterations - supervisedOnlyIterations}`,
    );
  }
  const pasting = pastingKey(method);
  if (pasting !== null && data.batchSize === 1) {
    notes.push(
      `"${pasting}" changes nothing: it pastes from another image of the batch, and ` +
        '"data.batchSize" is 1; set it to 2 or more',
    );
  }
  return notes;
}

function highestLearningRate(
  optimizer: RunConfig["optimizer"],
  iterations: number,
): number {
  const schedule = { ...optimizer, iterations };
  let highest = 0;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const rate = learningRateAt(optimizer.learningRate, iteration, schedule);
    highest = Math.max(highest, rate);
  }
  return highest;
}

function namesAreOf(terms: readonly { readonly name: string }[]): string {
  const names = terms.map(({ name }) => `"${name}"`).join(" and ");
  return `${names} ${terms.length === 1 ? "is" : "are"} of`;
}

/** Whether a method jitters the colors of images. */
function jittersColors(method: RunConfig["method"]): boolean {
  if (!usesTarget(method)) return false;
  if ((method.maskedConsistency?.colorJitterProbability ?? 0) > 0) return true;
  if (method.name === "self-training") return method.mixing.colorJitterProbability > 0;
  if (method.name !== "weak-to-strong") return false;
  return method.strongAugmentation.colorJitterProbability > 0;
}

/** The key of what pastes from image to image; null: nothing does. */
function pastingKey(method: SemiSupervisedConfig): string | null {
  if (method.name === "weak-to-strong") {
    return method.strongAugmentation.cutmixProbability > 0
      ? "method.strongAugmentation.cutmixProbability"
      : null;
  }
  const { name, probability } = method.perturbation;
  const pastes = name === "cutmix" || name === "classmix";
  return pastes && probability > 0 ? "method.perturbation" : null;
}
