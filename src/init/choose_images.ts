/**
 * Which images of a data set are trained on, with labels and without, and which are
 * evaluated on: those of its own splits or lists, else of lists that are proposed.
 *
 * @module
 */

import { basename } from "node:path";
import { quoteNames } from "../data/source/file_source.ts";
import type { RasterImage } from "../formats/image_codec.ts";
import {
  type FoundClasses,
  type FoundData,
  type FoundPart,
  imageKey,
} from "./found_data.ts";
import { areFrames } from "./measure_images.ts";
import { type ProposedSplit, proposeSplit } from "./propose_split.ts";

/** Images of a configuration: its settings, with what to say of them. */
export interface ImageSettings {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly comment: string;
}

/** A learning rule, and why. */
export interface MethodChoice {
  readonly name: "supervised" | "mean-teacher" | "self-training";
  /** Null: it is the usual one. */
  readonly reason: string | null;
}

/** What a run learns from and is measured on. */
export interface ChosenImages {
  readonly source: ImageSettings;
  readonly target: ImageSettings | null;
  readonly evaluations: Readonly<Record<string, ImageSettings>>;
  readonly method: MethodChoice;
  /** Names of the images with labels that are trained on. */
  readonly trainingNames: readonly string[];
  readonly evaluationCount: number;
  readonly unlabeledCount: number;
  /** Lists to be written: names by path. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  /** What was assumed, a sentence each. */
  readonly notes: readonly string[];
}

/** Where lists may be written. */
export interface ListFiles {
  readonly train: string;
  readonly val: string;
  readonly unlabeled: string;
}

/** The parts of a data set that are used with labels. */
export interface LabeledParts {
  readonly training: FoundPart;
  /** Null: the other one has to be divided. */
  readonly evaluation: FoundPart | null;
}

/** The share of labeled images that is kept for evaluation. */
const EVALUATION_SHARE = 0.2;

/** Chooses parts by what they are called; the largest is trained on. */
export function chooseParts(parts: readonly FoundPart[]): LabeledParts {
  const labeled = parts.filter((part) => part.labeled.length > 0)
    .toSorted((a, b) => b.labeled.length - a.labeled.length);
  const [largest] = labeled;
  if (largest === undefined) throw new TypeError("Cannot choose a part: none has labels");
  const training = labeled.find(({ name }) => /(^|\/)train(ing)?$/i.test(name)) ??
    largest;
  const others = labeled.filter((part) => part !== training);
  const evaluation = [/val/i, /dev|eval/i, /test/i, /./]
    .map((pattern) => others.find(({ name }) => pattern.test(name)))
    .find((part) => part !== undefined) ?? null;
  return { training, evaluation };
}

/** How images are chosen. */
export interface ChoiceOptions {
  /** Of a division where the data set has none. */
  readonly seed: number;
  readonly files: ListFiles;
  /** Reads an image of the part that is trained on. */
  readonly readImage: (name: string) => Promise<RasterImage>;
}

/** Chooses images. */
export async function chooseImages(
  found: FoundData,
  parts: LabeledParts,
  classes: FoundClasses,
  { seed, files, readImage }: ChoiceOptions,
): Promise<ChosenImages> {
  const lists = new Map<string, readonly string[]>();
  const withList = (part: FoundPart, key: keyof ListFiles, names: readonly string[]) => {
    lists.set(files[key], names);
    return { ...part.settings, list: basename(files[key]) };
  };
  const labeled = ownSplits(parts, withList) ??
    await ownLists(found, parts.training, withList) ??
    await proposedLists(parts.training, classes, { seed, withList, readImage });
  const unlabeled = chooseUnlabeled(found.parts, parts.training);
  const { part, method } = unlabeled;
  const isAll = part !== null && part.labeled.length === 0 && part.isWhole;
  return {
    ...labeled,
    method,
    lists,
    target: part === null ? null : {
      settings: isAll ? part.settings : withList(part, "unlabeled", part.unlabeled),
      comment: `${part.unlabeled.length} images without labels`,
    },
    unlabeledCount: part?.unlabeled.length ?? 0,
    notes: [
      ...labeled.notes,
      ...keptAsideNotes(found.parts, parts),
      ...unlabeled.notes,
      ...(method.reason === null ? [] : [method.reason]),
    ],
  };
}

// A test split is for the end, and another one may have been meant.
const keptAsideNotes = (
  all: readonly FoundPart[],
  { training, evaluation }: LabeledParts,
): string[] =>
  all.filter((part) =>
    part.labeled.length > 0 && part !== training && part !== evaluation
  ).map(({ name, labeled }) =>
    `${countOf(labeled.length, "image")} with labels of "${name}" ` +
    `${labeled.length === 1 ? "is" : "are"} kept aside: score a network on them with ` +
    `"deno task eval CHECKPOINT --split ${name}"`
  );

/** The images with labels. */
type LabeledImages = Pick<
  ChosenImages,
  "source" | "evaluations" | "trainingNames" | "evaluationCount" | "notes"
>;

type WithList = (
  part: FoundPart,
  key: keyof ListFiles,
  names: readonly string[],
) => ImageSettings["settings"];

// Splits that are folders need no list, unless images without labels are among the others.
function ownSplits(
  { training, evaluation }: LabeledParts,
  withList: WithList,
): LabeledImages | null {
  if (evaluation === null) return null;
  const settingsOf = (part: FoundPart, key: keyof ListFiles): ImageSettings => ({
    settings: part.isWhole ? part.settings : withList(part, key, part.labeled),
    comment: `${countOf(part.labeled.length, "image")} with labels`,
  });
  const name = /^[A-Za-z][\w-]*$/.test(evaluation.name) ? evaluation.name : "val";
  return {
    source: settingsOf(training, "train"),
    evaluations: { [name]: settingsOf(evaluation, "val") },
    trainingNames: training.labeled,
    evaluationCount: evaluation.labeled.length,
    notes: [],
  };
}

// Lists that name images of this part, all of them with labels, are its splits. Where there
// is one of those to evaluate on alone, all others are trained on.
async function ownLists(
  { lists, readList }: FoundData,
  part: FoundPart,
  withList: WithList,
): Promise<LabeledImages | null> {
  const known = new Set(part.labeled);
  const namesIn = async (list: string): Promise<readonly string[] | null> => {
    try {
      const names = await readList(part.name, list);
      return names.every((name) => known.has(name)) ? names : null;
    } catch (error) {
      if (error instanceof RangeError) return null; // of something else
      throw error;
    }
  };
  const trainingPath = lists.get("train");
  const evaluationPath = ["val", "valid", "validation"].map((name) => lists.get(name))
    .find((path) => path !== undefined) ??
    (trainingPath === undefined ? undefined : lists.get("test"));
  if (evaluationPath === undefined) return null;
  const evaluationNames = await namesIn(evaluationPath);
  const evaluated = new Set(evaluationNames);
  const trainingNames = trainingPath === undefined
    ? part.labeled.filter((name) => !evaluated.has(name))
    : await namesIn(trainingPath);
  if (evaluationNames === null || !trainingNames || trainingNames.length === 0) {
    return null;
  }
  const settingsOf = (list: string, names: readonly string[]): ImageSettings => ({
    settings: { ...part.settings, list },
    comment: `${countOf(names.length, "image")} with labels, by a list of the data set`,
  });
  return {
    source: trainingPath !== undefined ? settingsOf(trainingPath, trainingNames) : {
      settings: withList(part, "train", trainingNames),
      comment: `The other ${trainingNames.length} images with labels`,
    },
    evaluations: { val: settingsOf(evaluationPath, evaluationNames) },
    trainingNames,
    evaluationCount: evaluationNames.length,
    notes: [],
  };
}

async function proposedLists(
  part: FoundPart,
  classes: FoundClasses,
  { seed, withList, readImage }: Pick<ChoiceOptions, "seed" | "readImage"> & {
    readonly withList: WithList;
  },
): Promise<LabeledImages> {
  const inBlocks = await areFrames(part.labeled, readImage);
  const images = part.labeled.map((name) => ({
    name,
    classes: classesOf(classes.counts.get(imageKey({ part: part.name, name }))),
  }));
  const split = proposeSplit(images, { seed, share: EVALUATION_SHARE, inBlocks });
  const [training, evaluation] = [split.training.length, split.evaluation.length];
  const how = inBlocks
    ? "the last of every sequence, since neighbors look alike as frames of a video do"
    : `drawn with the seed ${seed}, rare classes first`;
  return {
    source: {
      settings: withList(part, "train", split.training),
      comment: `${training} of the ${part.labeled.length} images with labels`,
    },
    evaluations: {
      val: {
        settings: withList(part, "val", split.evaluation),
        comment: `The other ${evaluation}: ${how}`,
      },
    },
    trainingNames: split.training,
    evaluationCount: evaluation,
    notes: [
      `no split was found: ${
        countOf(training, "image")
      } to train on and ${evaluation} to ` +
      `evaluate on, ${how}; edit the lists to change it`,
      ...splitNotes(split, classes),
      ...folderNotes(split),
    ],
  };
}

const classesOf = (counts: readonly number[] | undefined): Set<number> =>
  new Set((counts ?? []).flatMap((count, id) => count > 0 ? [id] : []));

function splitNotes(
  { onlyOnce, oneSided }: ProposedSplit,
  { classes }: FoundClasses,
): string[] {
  const quote = (ids: readonly number[]) =>
    quoteNames(ids.map((id) => classes[id]?.name ?? String(id)));
  return [
    ...(onlyOnce.length === 0 ? [] : [
      `${quote(onlyOnce)}: in a single image, so that the other part has none of it`,
    ]),
    ...(oneSided.length === 0 ? [] : [
      `${quote(oneSided)}: in images of one part only: move some in the lists`,
    ]),
  ];
}

const folderOf = (name: string): string => name.replace(/[^/]*$/, "");

function folderNotes({ training, evaluation }: ProposedSplit): string[] {
  const evaluated = new Set(evaluation.map(folderOf));
  const divided = new Set(training.map(folderOf).filter((one) => evaluated.has(one)));
  return divided.size < 2 ? [] : [
    `the division goes through ${divided.size} folders (first: "${
      [...divided][0]
    }"): where ` +
    "each is one patient or one place, move all images of a folder into one of the lists",
  ];
}

/** Images to learn from without labels, and the rule that does. */
interface UnlabeledChoice {
  readonly part: FoundPart | null;
  readonly method: MethodChoice;
  readonly notes: readonly string[];
}

/** Folders of images that are there to be learned from without labels. */
export const UNLABELED_WORDS = /un-?_?label|un-?_?annot|no_?labels?/i;
export const TARGET_WORDS = /(^|[/_-])target/i;

function chooseUnlabeled(
  parts: readonly FoundPart[],
  training: FoundPart,
): UnlabeledChoice {
  const others = parts.filter((part) => part !== training && part.unlabeled.length > 0);
  const target = others.find(({ name }) => TARGET_WORDS.test(name));
  if (target !== undefined) {
    const reason =
      `"${target.name}" holds ${countOf(target.unlabeled.length, "image")} ` +
      "without labels, a target domain by its name: self-training adapts to it";
    return { part: target, method: { name: "self-training", reason }, notes: [] };
  }
  const unlabeled = likeLabeled(training);
  const isHalf = unlabeled.length >= training.labeled.length;
  const part = others.find(({ name }) => UNLABELED_WORDS.test(name)) ??
    (isHalf ? { ...training, unlabeled } : null);
  if (part !== null) {
    const reason = `images with labels: ${training.labeled.length}, without: ` +
      `${part.unlabeled.length}: the semi-supervised rule "mean-teacher" learns from both; ` +
      '"supervised" would leave the others aside';
    const used = new Set(part.unlabeled);
    const rest = training.unlabeled.filter((name) => !used.has(name));
    const notes = part.name === training.name ? unusedNotes(training.name, rest) : [];
    return { part, method: { name: "mean-teacher", reason }, notes };
  }
  const notes = parts.flatMap(({ name, unlabeled }) => unusedNotes(name, unlabeled));
  return { part: null, method: { name: "supervised", reason: null }, notes };
}

const unusedNotes = (part: string, names: readonly string[]): string[] =>
  names.length === 0 ? [] : [
    `${countOf(names.length, "image")} of "${part}" without a label ` +
    `${names.length === 1 ? "is" : "are"} not used (first: "${names[0]}")`,
  ];

/**
 * The images without a label that are such as those with one: beside them, and not made of
 * one, as overlays are ("a_overlay" of "a").
 */
function likeLabeled({ labeled, unlabeled }: FoundPart): string[] {
  const known = new Set(labeled);
  const folders = new Set(labeled.map(folderOf));
  const isMade = (name: string) =>
    [...name.matchAll(/[_\-. ]+(?=[a-z])/gi)]
      .some(({ index }) => known.has(name.slice(0, index)));
  return unlabeled.filter((name) => folders.has(folderOf(name)) && !isMade(name));
}

/** A number with its noun. */
export const countOf = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`;
