import assert from "node:assert/strict";
import { configWarnings } from "../../src/train/config_warnings.ts";
import { tinyConfig } from "../support/commands.ts";

const warnings = (method: string, ...more: string[]) =>
  configWarnings(
    tinyConfig(`method=${method}`, "iterations=9", "data.batchSize=2", ...more),
  );

Deno.test("a method that never begins is noticed", () => {
  assert.deepEqual(warnings("{name: supervised}"), []);
  assert.deepEqual(warnings("{name: mean-teacher, supervisedOnlyIterations: 8}"), []);
  assert.deepEqual(warnings("{name: mean-teacher, supervisedOnlyIterations: 9}"), [
    "all 9 iterations are supervised only: for the method to begin, set " +
    '"method.supervisedOnlyIterations" (9) below "iterations"',
  ]);
  const shared = "supervisedOnlyIterations: 3, teacher: {copyIterations: 6}";
  assert.deepEqual(warnings(`{name: weak-to-strong, ${shared}}`), [
    "the teacher is a copy of the student in all iterations: for it to be an EMA, set " +
    '"method.teacher.copyIterations" (6) below 6',
  ]);
});

Deno.test("a warm-up that never ends is noticed", () => {
  const warming = (...more: string[]) => warnings("{name: supervised}", ...more);
  assert.deepEqual(warming("optimizer.warmupIterations=8"), []);
  // The highest of t / 18 · (1 − t / 9), at t = 4: 4 / 18 · 5 / 9
  assert.deepEqual(warming("optimizer={warmupIterations: 18, warmupRatio: 1e-6}"), [
    "all 9 iterations are warm-up, and the learning rate gets no higher than 12 % of " +
    '"optimizer.learningRate": set "optimizer.warmupIterations" (18) to a fraction of ' +
    '"iterations"',
  ]);
});

Deno.test("a normalization of pixels in 0 … 1 is noticed", () => {
  const normalized = (std: string) =>
    warnings(
      "{name: supervised}",
      `data.normalization={mean: [0.5, 0.4, 0.4], std: ${std}}`,
    );
  assert.deepEqual(normalized("[0.229, 0.224, 0.225]"), [
    '"data.normalization" is of pixels in 0 … 1, and those here are in 0 … 255: multiply ' +
    'both "mean" and "std" by 255',
  ]);
  assert.deepEqual(normalized("[1, 1, 1]"), []);
  assert.deepEqual(normalized("[58.4, 57.1, 57.4]"), []);
});

Deno.test("a distance to features that cannot move is noticed", () => {
  const distance = "{name: self-training, featureDistance: {}}";
  const frozen = (freeze: string) =>
    warnings(distance, "model.pretrained=x", `optimizer.freeze=${freeze}`);
  assert.deepEqual(frozen("[decoder]"), []);
  assert.match(
    frozen("[encoder]").join(),
    /^"method\.featureDistance" changes nothing: .* set it to null$/,
  );
});

Deno.test("pasting from the only image of a batch is noticed", () => {
  const alone = (method: string) => warnings(method, "data.batchSize=1");
  const pasting = "{name: mean-teacher, perturbation: {name: cutmix}}";
  assert.deepEqual(warnings(pasting), []);
  assert.match(
    alone(pasting).join(),
    /^"method\.perturbation" changes nothing: .*2 or more$/,
  );
  assert.deepEqual(alone("{name: mean-teacher, perturbation: {name: cutout}}"), []);
  assert.match(
    alone("{name: weak-to-strong}").join(),
    /^"method\.strongAugmentation\.cutmixProbability"/,
  );
  assert.deepEqual(
    alone("{name: weak-to-strong, strongAugmentation: {cutmixProbability: 0}}"),
    [],
  );
});

Deno.test("a loss of the regions of micro-batches is noticed", () => {
  const learned = (criterion: string, steps = 2) =>
    warnings(
      `{name: source-only, criterion: ${criterion}}`,
      `optimizer.accumulationSteps=${steps}`,
    );
  assert.deepEqual(learned("[{name: dice}, {name: lovasz-softmax}]"), [
    '"dice" and "lovasz-softmax" are of the regions of a micro-batch, not of the batch, ' +
    'because of "optimizer.accumulationSteps" (2): for it not to matter, set "per: image"',
  ]);
  assert.deepEqual(learned("[{name: dice}, {name: lovasz-softmax}]", 1), []);
  assert.deepEqual(learned("[{name: focal}, {name: dice, per: image}]"), []);
});

Deno.test("a loss of the regions of each rank is noticed", () => {
  const learned = (criterion: string, ranks: number) =>
    configWarnings(
      tinyConfig(`method={name: source-only, criterion: ${criterion}}`, "iterations=9"),
      ranks,
    );
  assert.deepEqual(learned("[{name: dice}, {name: ohem}]", 2), [
    '"dice" is of the regions of each rank\'s images, not of those of all 2 ranks: for ' +
    'their number not to matter, set "per: image"',
  ]);
  assert.deepEqual(learned("[{name: dice}]", 1), []);
  assert.deepEqual(learned("[{name: ohem}, {name: dice, per: image}]", 2), []);
});

Deno.test("freezing random weights is noticed", () => {
  const frozen = (...more: string[]) => warnings("{name: supervised}", ...more);
  const freeze = "optimizer.freeze=[encoder]";
  assert.deepEqual(frozen(freeze, "model.pretrained=x"), []);
  assert.deepEqual(frozen(freeze), [
    'what "optimizer.freeze" keeps stays as random as it starts: "model.pretrained" is ' +
    "null; name weights to keep there",
  ]);
});

Deno.test("augmentation without effect is noticed", () => {
  const scaled = (range: string, distribution: string) =>
    warnings(
      "{name: supervised}",
      `data.randomScale=${range}`,
      `data.randomScaleDistribution=${distribution}`,
    );
  assert.deepEqual(scaled("[0.5, 2]", "uniform"), []);
  assert.deepEqual(scaled("null", "halves"), []);
  assert.match(
    scaled("null", "uniform").join(),
    /^"data\.randomScaleDistribution" changes nothing: .*\[0\.5, 2\]$/,
  );

  const jittered = (channels: number, jitter: string) => {
    const config = tinyConfig(
      "method={name: supervised}",
      `data.augmentation={colorJitter: ${jitter}}`,
    );
    return configWarnings({ ...config, data: { ...config.data, channels } })
      .filter((line) => line.startsWith('"saturation" and "hue"'));
  };
  assert.deepEqual(jittered(3, "{hue: 0.1}"), []);
  assert.deepEqual(jittered(1, "{brightness: 0.1}"), []);
  assert.deepEqual(jittered(2, "{brightness: 0.1, hue: 0.1}"), [
    '"saturation" and "hue" of "data.augmentation.colorJitter" change nothing: images of 2 ' +
    "channels of 8 bits have no colors; set them to 0",
  ]);
});
