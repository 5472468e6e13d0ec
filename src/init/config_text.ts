/** A configuration as people write one: with a comment wherever something was guessed. @module */

import { relative, sep } from "node:path";
import { IMAGENET, isRgbFormat, type PixelFormat } from "../core/host_batch.ts";
import {
  type ChosenImages,
  countOf,
  type ImageSettings,
  type MethodChoice,
} from "./choose_images.ts";
import type { FoundClasses } from "./found_data.ts";
import type { ImageMeasures } from "./measure_images.ts";
import type { ProposedRun } from "./propose_run.ts";

/** All that a configuration is written from. */
export interface ConfigParts {
  /** Where it will lie. */
  readonly folder: string;
  /** Its file's name. */
  readonly file: string;
  /** The schema's path, or its address. */
  readonly schema: string;
  readonly seed: number;
  /** What was found, in words. */
  readonly title: string;
  /** Settings of `data` that say where it is. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly classes: FoundClasses;
  readonly chosen: ChosenImages;
  readonly run: ProposedRun;
  readonly measures: ImageMeasures;
  readonly format: PixelFormat;
}

/** Characters of a line of comments. */
const LINE = 88;

/** Writes the text. */
export function configText(parts: ConfigParts): string {
  const { seed, title, file, run, measures, chosen: { method, trainingNames } } = parts;
  const { iterations, batchSize, cropSize, resize, learningRate } = run;
  const warmup = Math.min(50, Math.round(iterations / 10));
  const interval = Math.max(1, Math.round(iterations / 4));
  const epochs = Math.max(1, Math.round(iterations * batchSize / trainingNames.length));
  return [
    `# yaml-language-server: $schema=${schemaPath(parts)}`,
    ...comment(`Written by "deno task init": ${title}.`, ""),
    ...comment("A comment says what a guess rests on. What to run next:", ""),
    `#   deno task prepare ${quoteArgument(file)}    checks every file`,
    `#   deno task train ${quoteArgument(file)}`,
    "",
    `seed: ${seed}`,
    ...comment(
      `Every image is seen ${epochs} times. More iterations take longer, and are better until ` +
        "the scores on images that are not trained on fall.",
      "",
    ),
    `iterations: ${iterations}`,
    "model:",
    ...comment(
      `${run.network}, ${weightCount(run.weights)} weights: an iteration takes ${
        megabytes(run.memory)
      } MB` +
        (run.limit === null
          ? "; the memory of this device is not known, and 4 GB were assumed."
          : ` of the ${megabytes(run.limit)} MB that this device has.`),
      "  ",
    ),
    ...block("encoder", run.encoder, "  "),
    ...block("decoder", run.decoder, "  "),
    ...comment(
      'Weights to start from; "deno task download --list" shows some. With them, the ' +
        "learning rate is a tenth: 6.0e-5.",
      "  ",
    ),
    "  pretrained: null",
    ...dataLines(parts),
    ...comment(describeSizes(measures, resize !== null), "  "),
    ...(resize === null ? [] : [`  resize: ${flow(resize)}`]),
    `  cropSize: ${flow(cropSize)}`,
    "  randomScale: [0.75, 1.5] # the scale jitter of images to train on",
    "  flipProbability: 0.5 # 0 where left and right are not the same",
    "  # What else may happen to labeled crops; draw them with deno task prepare --crops:",
    "  # augmentation:",
    "  #   rotation: { maxDegrees: 10 }",
    "  #   colorJitter: { brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0.05 }",
    ...imbalanceLines(parts),
    `  batchSize: ${batchSize}`,
    ...normalizationLines(parts),
    "optimizer:",
    "  # As in the configurations of this project that start from random weights.",
    `  learningRate: ${learningRate.toExponential(1)}`,
    "  headLrMultiplier: 10",
    "  weightDecay: 0.01",
    `  warmupIterations: ${warmup}`,
    "method:",
    ...comment(
      `${sentence([method.reason ?? "all images to learn from have labels"])}.`,
      "  ",
    ),
    ...methodLines(method.name, iterations),
    "  # Other losses of labeled pixels; docs/losses.md has them all:",
    "  # criterion: [{ name: cross-entropy, classWeights: median-frequency }, { name: dice }]",
    `evaluation: { interval: ${interval} }`,
    `logging: { interval: 10, imageInterval: ${interval}, checkpointInterval: ${interval} }`,
    "",
  ].join("\n");
}

function schemaPath({ schema, folder }: ConfigParts): string {
  if (/^https?:/.test(schema)) return schema;
  const path = relative(folder, schema).replaceAll(sep, "/");
  return path.startsWith(".") ? path : `./${path}`;
}

function dataLines(parts: ConfigParts): string[] {
  const { settings, classes, chosen: { source, target, evaluations } } = parts;
  const { kind, ...others } = settings;
  return [
    "data:",
    `  kind: ${flow(kind)}`,
    ...comment('"root" is absolute: a run may be started from any folder.', "  "),
    ...Object.entries(others).map(([key, value]) => `  ${key}: ${flow(value)}`),
    ...comment(`${sentence(classes.reasons)}.`, "  "),
    ...(kind === "native" ? [] : classLines(classes)),
    ...Object.entries(classes.settings).map(([key, value]) => `  ${key}: ${flow(value)}`),
    ...chosenLines("source", source, "  "),
    ...(target === null ? [] : chosenLines("target", target, "  ")),
    "  evaluations:",
    ...Object.entries(evaluations).flatMap(([name, one]) =>
      chosenLines(name, one, "    ")
    ),
  ];
}

const chosenLines = (
  name: string,
  { settings, comment: text }: ImageSettings,
  indent: string,
) => [
  ...comment(`${text}.`, indent),
  `${indent}${name}: ${flow(settings)}`,
];

function classLines({ classes, counts }: FoundClasses): string[] {
  const shares = classShares({ classes, counts });
  return [
    "  classes:",
    ...classes.map(({ name, color }, id) => {
      const { share = 0, images = 0 } = shares[id] ?? {};
      const found = images === 0
        ? "no pixel of it was found"
        : `${percent(share)} % of the pixels, in ${images} of ${counts.size} labels`;
      return `    - { name: ${flow(name)}, color: ${flow(color)} } # ${found}`;
    }),
  ];
}

/** How much of all pixels each class has, and in how many labels it is. */
export function classShares(
  { classes, counts }: Pick<FoundClasses, "classes" | "counts">,
): { readonly share: number; readonly images: number }[] {
  const all = [...counts.values()];
  const totals = classes.map((_, id) =>
    all.reduce((sum, one) => sum + (one[id] ?? 0), 0)
  );
  const total = Math.max(1, totals.reduce((a, b) => a + b, 0));
  return totals.map((pixels, id) => ({
    share: pixels / total,
    images: all.filter((one) => (one[id] ?? 0) > 0).length,
  }));
}

/** A class of fewer pixels is rare. */
const RARE_SHARE = 0.01;

// Crops are smaller than images: as many pixels as a crop in ten has of the class.
function imbalanceLines({ classes, run: { cropSize } }: ConfigParts): string[] {
  const shares = classShares(classes);
  const rare = classes.classes.filter((_, id) => {
    const { share = 0, images = 0 } = shares[id] ?? {};
    return images > 0 && share < RARE_SHARE;
  }).map(({ name }) => name);
  if (rare.length === 0) return [];
  const minPixels = Math.max(10, Math.round(cropSize.height * cropSize.width / 500));
  return [
    ...comment(
      `Rare: ${quoteSome(rare)}, with less than ${100 * RARE_SHARE} % of the pixels ` +
        "each. If they are not learned, draw their images more often:",
      "  ",
    ),
    `  # rareClassSampling: { classTemperature: 0.1, minPixels: ${minPixels} }`,
  ];
}

const quoteSome = (names: readonly string[]): string =>
  names.slice(0, 5).join(", ") +
  (names.length > 5 ? ` and ${names.length - 5} more` : "");

/** Statistics that differ more than this from those of ImageNet are taken as they are. */
const MAX_MEAN_DIFFERENCE = 70;
const MIN_STD = 25;

function normalizationLines(
  { measures: { mean, std, count }, format }: ConfigParts,
): string[] {
  const { channels, bitDepth } = format;
  const isUsual = isRgbFormat(format) &&
    IMAGENET.mean.every((one, c) =>
      Math.abs(one - (mean[c] ?? 0)) < MAX_MEAN_DIFFERENCE && (std[c] ?? 0) > MIN_STD
    );
  const chosen = isUsual ? IMAGENET : { mean, std };
  return [
    ...comment(
      `The mean of ${countOf(count, "image")} is ${mean.join(", ")}, the deviation ` +
        `${std.join(", ")}: ` +
        (isUsual
          ? "near ImageNet's, which pretrained encoders expect."
          : "not those of ImageNet (123.675, …), which pretrained encoders expect."),
      "  ",
    ),
    ...(isRgbFormat(format)
      ? []
      : [`  channels: ${channels}`, `  bitDepth: ${bitDepth}`]),
    `  normalization: ${flow(chosen)}`,
  ];
}

function describeSizes(
  { typical, sizes, count }: ImageMeasures,
  isScaled: boolean,
): string {
  const first = `${typical.width}×${typical.height}`;
  const found = sizes.length === 1
    ? `Images are ${first}`
    : `Images have different sizes (${sizes.length} of ${count} that were read), as ${first}`;
  return isScaled
    ? `${found}: scaled down, so that a crop shows enough of one. Larger is slower and finer.`
    : `${found}.`;
}

function methodLines(name: MethodChoice["name"], iterations: number): string[] {
  switch (name) {
    case "supervised":
      return ["  name: supervised"];
    case "mean-teacher":
      return [
        "  name: mean-teacher",
        "  teacher: { emaDecay: 0.99 }",
        `  supervisedOnlyIterations: ${Math.round(iterations / 5)}`,
        "  perturbation: { name: cutmix, probability: 0.5 }",
        "  entropyFilter: { keepPercent: 80 }",
      ];
    case "self-training":
      return [
        "  name: self-training",
        "  lookAhead: null # { depth: 3 }: future self-training, four times slower",
        "  teacher: { emaDecay: 0.99 }",
        "  pseudoLabel: { threshold: 0.8 }",
      ];
  }
}

/** Sentences as one, the first letter large. */
const sentence = (reasons: readonly string[]): string => {
  const text = reasons.join("; ");
  return text.slice(0, 1).toUpperCase() + text.slice(1);
};

const weightCount = (weights: number): string =>
  weights < 1e6
    ? `${Math.round(weights / 1000)} thousand`
    : `${(weights / 1e6).toFixed(1)} million`;

const megabytes = (bytes: number): string => Math.ceil(bytes / 1e6).toLocaleString("en");

const percent = (share: number): string =>
  share > 0 && share < 0.0001 ? "< 0.01" : (100 * share).toFixed(share < 0.1 ? 2 : 1);

/** A text in lines of comments. */
function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  // deno-lint-ignore no-control-regex -- names of files may hold them
  for (const word of text.replace(/[\x00-\x1f\x7f-\x9f]/g, "?").split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && indent.length + 2 + line.length + word.length < LINE) {
      lines[lines.length - 1] = `${line} ${word}`;
    } else lines.push(word);
  }
  return lines.map((line) => `${indent}# ${line}`);
}

const block = (key: string, value: Readonly<Record<string, unknown>>, indent: string) => [
  `${indent}${key}:`,
  ...Object.entries(value).map(([name, one]) => `${indent}  ${name}: ${flow(one)}`),
];

/** A value on one line. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (value instanceof Map) return flow(Object.fromEntries(value));
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, one]) =>
      `${keyText(key)}: ${flow(one)}`
    );
    return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
  }
  return typeof value === "string" ? scalar(value) : String(value);
}

// What could be read as something else stands in quotes.
const scalar = (text: string): string =>
  /^[A-Za-z_][\w./-]*$/.test(text) && !/^(null|true|false|y|n|yes|no|on|off)$/i.test(text)
    ? text
    : JSON.stringify(text);

const keyText = (key: string): string => /^\d+$/.test(key) ? key : scalar(key);

/** A path as a shell takes it. */
export const quoteArgument = (path: string): string =>
  /^[\w./~+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
