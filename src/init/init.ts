/** From a folder of pictures to a configuration that trains. @module */

import { basename, dirname, extname, join, resolve } from "node:path";
import { loadConfig } from "../config/read.ts";
import { type BackendChoice, openBackend } from "../core/backend.ts";
import { evenlySpacedIndices } from "../data/evenly_spaced.ts";
import { fileDataSet } from "../data/file_data_set.ts";
import { listDataSetFiles } from "../data/open_data_set.ts";
import { createThumbnail, type Thumbnail } from "../data/pipelines.ts";
import { type FileSource, isHidden, quoteNames } from "../data/source/file_source.ts";
import { openSource, unsupportedArchiveHint } from "../data/source/open_source.ts";
import { errorReason, statOrNull } from "../io/file_errors.ts";
import { expandHome } from "../io/home_folder.ts";
import { writeOutputFile } from "../io/output_file.ts";
import type { SplitPictures } from "../prepare/prepare.ts";
import { splitsOfConfig } from "../prepare/splits_to_prepare.ts";
import {
  type ChosenImages,
  configText,
  type MethodChoice,
  quoteArgument,
} from "./config_text.ts";
import { findFolder } from "./find_folder.ts";
import { picturesOf } from "./find_layouts.ts";
import { findNative } from "./find_native.ts";
import {
  type FoundClasses,
  type FoundData,
  type FoundPart,
  imageKey,
  MAX_LABELS_READ,
} from "./found_data.ts";
import { readLabelContents } from "./label_contents.ts";
import { areFrames, measureImages } from "./measure_images.ts";
import { proposeSplit } from "./propose_split.ts";
import { proposeRun } from "./propose_run.ts";

/** How a configuration is made. */
export interface InitOptions {
  /** The configuration's file; its lists lie beside it. */
  readonly out: string;
  /** The path or the address of the configurations' schema, for editors. */
  readonly schema: string;
  /** Of the division into images to train on and to evaluate on. */
  readonly seed?: number | undefined;
  /** A folder or a suffix of the labels, where there are several. */
  readonly labels?: string | undefined;
  /** Where the run will compute. */
  readonly backend?: BackendChoice | undefined;
  /** Called with how many labels were read. */
  readonly progress?: (done: number, of: number) => void;
  /** Ends it; nothing is written. */
  readonly signal?: AbortSignal | undefined;
}

/** Images of a configuration. */
export interface InitImageCounts {
  /** With labels, to train on. */
  readonly labeled: number;
  /** Without labels. */
  readonly unlabeled: number;
  /** With labels, to evaluate on. */
  readonly evaluation: number;
}

/** What was found and written. */
export interface InitResult {
  /** What the folder holds, in words. */
  readonly title: string;
  /** What was assumed and what to know, a sentence each. */
  readonly notes: readonly string[];
  /** Paths of the files that were written: the configuration, then its lists. */
  readonly files: readonly string[];
  /** Where a sheet of `samples` belongs; not written yet. */
  readonly sheet: string;
  /** How many images it names. */
  readonly images: InitImageCounts;
  /** Names of the classes, in the order of their ids. */
  readonly classes: readonly string[];
  /** The learning rule. */
  readonly method: string;
  /** Samples of the images with their labels, for a sheet. */
  readonly samples: readonly SplitPictures[];
}

/** The share of labeled images that is kept for evaluation. */
const EVALUATION_SHARE = 0.2;

/**
 * Looks at a folder or an archive and writes a configuration for it, with lists of images
 * where the data set has no splits. Nothing that exists is overwritten.
 *
 * @throws {RangeError | SyntaxError} If nothing can be made of it; the message says what to
 * do.
 */
export async function initConfig(
  folder: string,
  options: InitOptions,
): Promise<InitResult> {
  const { out, schema, seed = 0, labels = null, backend = "auto", signal } = options;
  const { progress = () => {} } = options;
  const names = fileNamesOf(out);
  for (const path of Object.values(names)) await assertNothingThere(path);
  const root = resolve(expandHome(folder));
  const { source, files } = await openFolder(folder, root);
  const found = await findNative(source, files, root) ??
    await findFolder(source, files, root, labels) ??
    await fail(folder, source, files, labels);
  const notes = [...found.notes];

  const { training, evaluation } = chooseParts(found.parts);
  const labeledImages = found.parts.filter((part) =>
    part === training || part === evaluation
  )
    .flatMap(({ name: part, labeled }) => labeled.map((name) => ({ part, name })));
  const read = evenlySpacedIndices(labeledImages.length, MAX_LABELS_READ)
    .flatMap((index) => labeledImages[index] ?? []);
  if (read.length < labeledImages.length) {
    notes.push(
      `${read.length} of the ${labeledImages.length} labels were read: "deno task prepare" ` +
        "reads them all",
    );
  }
  const classes = await found.readClasses(read, { progress, signal });

  const readImage = (name: string) => found.readImage({ part: training.name, name });
  const lists = new Map<string, readonly string[]>();
  const listed = (part: FoundPart, key: keyof typeof names, list: readonly string[]) => {
    lists.set(names[key], list);
    return { ...part.settings, list: basename(names[key]) };
  };
  let trainingNames = training.labeled;
  let chosenSource: ChosenImages;
  let evaluations: Record<string, ChosenImages>;
  const ownLists = evaluation === null ? await readOwnLists(found, training) : null;
  if (evaluation !== null) {
    const of = (part: FoundPart, key: "train" | "val"): ChosenImages => ({
      settings: part.isWhole ? part.settings : listed(part, key, part.labeled),
      comment: `${part.labeled.length} images with labels`,
    });
    chosenSource = of(training, "train");
    evaluations = { [evaluationName(evaluation.name)]: of(evaluation, "val") };
  } else if (ownLists !== null) {
    trainingNames = ownLists.training;
    chosenSource = {
      settings: { ...training.settings, list: ownLists.trainingPath },
      comment: `${trainingNames.length} images with labels, by a list of the data set`,
    };
    evaluations = {
      val: {
        settings: { ...training.settings, list: ownLists.evaluationPath },
        comment: `${ownLists.evaluation.length} images with labels, likewise`,
      },
    };
  } else {
    const inBlocks = await areFrames(training.labeled, readImage);
    const split = proposeSplit(
      training.labeled.map((name) => ({
        name,
        classes: classesOf(classes.counts.get(imageKey({ part: training.name, name }))),
      })),
      { seed, share: EVALUATION_SHARE, inBlocks },
    );
    trainingNames = split.training;
    const how = inBlocks
      ? "the last of every sequence, since neighbors look alike, as frames of a video"
      : `drawn with the seed ${seed}, rare classes first`;
    notes.push(
      `no split was found: ${split.training.length} images to train on and ` +
        `${split.evaluation.length} to evaluate on, ${how}; edit the lists to change it`,
      ...splitNotes(split, classes),
    );
    chosenSource = {
      settings: listed(training, "train", split.training),
      comment:
        `${split.training.length} of ${training.labeled.length} images with labels`,
    };
    evaluations = {
      val: {
        settings: listed(training, "val", split.evaluation),
        comment: `The other ${split.evaluation.length}: ${how}`,
      },
    };
  }

  const unlabeled = chooseUnlabeled(found.parts, training);
  notes.push(...unlabeled.notes);
  const target: ChosenImages | null = unlabeled.part === null ? null : {
    settings: unlabeled.part === training || !unlabeled.isWhole
      ? listed(unlabeled.part, "unlabeled", unlabeled.names)
      : unlabeled.part.settings,
    comment: `${unlabeled.names.length} images without labels`,
  };

  const measures = await measureImages(
    trainingNames.length,
    (index) => readImage(trainingNames[index] ?? ""),
  );
  const { name: backendName } = await openBackend(backend);
  const run = await proposeRun({
    classes: classes.classes,
    images: trainingNames.length,
    size: measures.typical,
    isOneSize: measures.sizes.length === 1,
    method: unlabeled.method.name,
  }, backendName);
  const text = configText({
    folder: dirname(resolve(out)),
    file: out,
    ...{ schema, seed, classes, target, evaluations, run, measures },
    title: found.title,
    settings: found.settings,
    source: chosenSource,
    method: unlabeled.method,
    images: trainingNames.length,
  });
  const samples = await checkWritten(text, basename(out), lists);
  for (const [path, list] of lists) {
    await writeOutputFile(path, new TextEncoder().encode(`${list.join("\n")}\n`));
  }
  await writeOutputFile(out, new TextEncoder().encode(text));
  const evaluationImages = evaluation?.labeled.length ?? ownLists?.evaluation.length ??
    training.labeled.length - trainingNames.length;
  return {
    title: found.title,
    notes: [...classes.reasons, ...notes, ...reasonOf(unlabeled.method)],
    files: [out, ...lists.keys()],
    sheet: names.sheet,
    images: {
      labeled: trainingNames.length,
      unlabeled: unlabeled.names.length,
      evaluation: evaluationImages,
    },
    classes: classes.classes.map(({ name }) => name),
    method: unlabeled.method.name,
    samples,
  };
}

const reasonOf = ({ reason }: MethodChoice): string[] => reason === null ? [] : [reason];

/** The files of a configuration, by what they are. */
function fileNamesOf(out: string) {
  if (!/\.ya?ml$/i.test(out)) {
    throw new RangeError(`Cannot write "${out}": the name must end with .yaml`);
  }
  const stem = join(dirname(out), basename(out, extname(out)));
  return {
    config: out,
    train: `${stem}_train.txt`,
    val: `${stem}_val.txt`,
    unlabeled: `${stem}_unlabeled.txt`,
    sheet: `${stem}_samples.png`,
  };
}

async function assertNothingThere(path: string): Promise<void> {
  if (await statOrNull(path) === null) return;
  throw new RangeError(
    `Cannot write "${path}": there is such a file, and nothing is overwritten: choose ` +
      "another name with --out, or remove it",
  );
}

async function openFolder(
  folder: string,
  root: string,
): Promise<{ readonly source: FileSource; readonly files: readonly string[] }> {
  const info = await statOrNull(root).catch((error) => {
    throw new RangeError(`Cannot look at "${folder}": ${errorReason(error)}`);
  });
  if (info === null) {
    throw new RangeError(
      `Cannot look at "${folder}": there is no such folder: name the one that holds the ` +
        "pictures",
    );
  }
  if (info.isFile && picturesOf([basename(root)]).length > 0) {
    throw new RangeError(
      `Cannot look at "${folder}": it is a picture: name the folder that it is in`,
    );
  }
  const { source } = await openSource({ root });
  return { source, files: await source.list("") ?? [] };
}

/** Says why nothing can be made of a folder. */
async function fail(
  folder: string,
  source: FileSource,
  files: readonly string[],
  labels: string | null,
): Promise<never> {
  const pictures = picturesOf(files);
  const cannot = `Cannot make a configuration of "${folder}": `;
  const [first = ""] = pictures;
  if (pictures.length === 0) {
    const visible = files.filter((file) => !isHidden(file));
    throw new RangeError(
      visible.length === 0
        ? `${cannot}it is empty: put pictures and labels into it`
        : `${cannot}it holds no picture: it holds ${quoteNames(visible)}` +
          unsupportedArchiveHint(await source.listChildren("") ?? []),
    );
  }
  if (labels !== null) {
    throw new RangeError(
      `${cannot}no pictures have labels in "${labels}", as --labels says: name a folder of ` +
        "labels, or what follows the name of an image in that of its label",
    );
  }
  const count = `${countOf(pictures.length, "picture")} (first: "${first}")`;
  if (await areLabels(source, pictures)) {
    throw new RangeError(
      `${cannot}it holds ${count} that look like labels, and no images of their names: ` +
        "name the folder that holds both",
    );
  }
  const [images, masks] = foldersOfOneCount(pictures);
  throw new RangeError(
    images !== undefined && masks !== undefined
      ? `${cannot}the names of "${images}" and "${masks}" are not the same: an image and ` +
        "its label have one name, but for what follows it, as in 1.jpg and 1_mask.png: " +
        "rename the ones"
      : `${cannot}it holds ${count} and no labels of their names: label some, with labelme ` +
        "for example, or predict them with a checkpoint: deno task predict CHECKPOINT " +
        `${quoteArgument(join(folder, first))}`,
  );
}

/** Pictures that are looked into. */
const MAX_LOOKED = 3;

async function areLabels(
  source: FileSource,
  pictures: readonly string[],
): Promise<boolean> {
  const looked = evenlySpacedIndices(pictures.length, MAX_LOOKED)
    .map((index) => pictures[index] ?? "");
  const found = await Promise.all(
    looked.map(async (path) => {
      try {
        return readLabelContents(await source.read(path), path).pixels !== null;
      } catch {
        return false; // no PNG
      }
    }),
  );
  return found.every(Boolean);
}

// Two folders with as many pictures each may hold images and labels of other names.
function foldersOfOneCount(pictures: readonly string[]): string[] {
  const byFolder = Map.groupBy(pictures, (path) => path.replace(/\/?[^/]*$/, ""));
  const [first, second, ...more] = [...byFolder.values()];
  return first !== undefined && first.length === second?.length && more.length === 0
    ? [first[0] ?? "", second[0] ?? ""]
    : [];
}

/** The parts that are trained on and evaluated on; null: one has to be divided. */
function chooseParts(
  parts: readonly FoundPart[],
): { readonly training: FoundPart; readonly evaluation: FoundPart | null } {
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

const evaluationName = (name: string): string =>
  /^[A-Za-z][\w-]*$/.test(name) ? name : "val";

const classesOf = (counts: readonly number[] | undefined): Set<number> =>
  new Set((counts ?? []).flatMap((count, id) => count > 0 ? [id] : []));

/** A number with its noun. */
const countOf = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`;

/** The lists of a data set that divide a part. */
interface OwnLists {
  readonly training: readonly string[];
  readonly trainingPath: string;
  readonly evaluation: readonly string[];
  readonly evaluationPath: string;
}

// Lists that name images of this part, all of them with labels, are its splits.
async function readOwnLists(
  { lists, settings }: FoundData,
  { settings: partSettings, labeled }: FoundPart,
): Promise<OwnLists | null> {
  const trainingPath = lists.get("train");
  const evaluationPath = lists.get("val") ?? lists.get("valid") ??
    lists.get("validation") ?? lists.get("test");
  if (trainingPath === undefined || evaluationPath === undefined) return null;
  const namesOf = async (list: string): Promise<string[]> => {
    const spec = { ...settings, ...partSettings, list, classes: [], labeled: false };
    const { usable } = await listDataSetFiles(
      spec as unknown as Parameters<typeof listDataSetFiles>[0],
    );
    return usable.samples.map(({ name }) => name);
  };
  try {
    const [training, evaluation] = [
      await namesOf(trainingPath),
      await namesOf(evaluationPath),
    ];
    const known = new Set(labeled);
    const areLabeled = [...training, ...evaluation].every((name) => known.has(name));
    return areLabeled ? { training, trainingPath, evaluation, evaluationPath } : null;
  } catch {
    return null; // lists of something else
  }
}

function splitNotes(
  { onlyOnce, oneSided }: ReturnType<typeof proposeSplit>,
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

/** Images to learn from without labels, and the rule that does. */
interface UnchosenSource {
  readonly part: FoundPart | null;
  readonly names: readonly string[];
  readonly isWhole: boolean;
  readonly method: MethodChoice;
  readonly notes: readonly string[];
}

function chooseUnlabeled(
  parts: readonly FoundPart[],
  training: FoundPart,
): UnchosenSource {
  const choice = (part: FoundPart, method: MethodChoice): UnchosenSource => ({
    part,
    names: part.unlabeled,
    isWhole: part.labeled.length === 0 && part.isWhole === false,
    method,
    notes: [],
  });
  const others = parts.filter((part) => part !== training && part.unlabeled.length > 0);
  const target = others.find(({ name }) => /target/i.test(name));
  if (target !== undefined) {
    return choice(target, {
      name: "self-training",
      reason:
        `"${target.name}" holds ${target.unlabeled.length} images without labels, a ` +
        "target domain by its name: self-training adapts to it",
    });
  }
  const extra = others.find(({ name }) =>
    /un-?_?label|un-?_?annot|no_?label/i.test(name)
  );
  const half = training.unlabeled.length >= training.labeled.length
    ? training
    : undefined;
  const part = extra ?? half;
  if (part !== undefined) {
    return choice(part, {
      name: "mean-teacher",
      reason:
        `${training.labeled.length} images have labels and ${part.unlabeled.length} ` +
        'have none: the semi-supervised rule "mean-teacher" learns from both; "supervised" ' +
        "leaves the others aside",
    });
  }
  const left = parts.flatMap((one) =>
    one.unlabeled.length === 0 ? [] : [
      `${countOf(one.unlabeled.length, "image")} of "${one.name}" without a label ` +
      `${one.unlabeled.length === 1 ? "is" : "are"} not used (first: "${
        one.unlabeled[0]
      }")`,
    ]
  );
  return {
    part: null,
    names: [],
    isWhole: false,
    method: { name: "supervised", reason: null },
    notes: left,
  };
}

/** Pictures of a sheet, in all. */
const SHEET_PICTURES = 12;

/** Their width, in pixels. */
const SHEET_WIDTH = 240;

// Opens all data sets of a configuration as a run does, before anything is left behind.
async function checkWritten(
  text: string,
  file: string,
  lists: ReadonlyMap<string, readonly string[]>,
): Promise<SplitPictures[]> {
  const folder = await Deno.makeTempDir({ prefix: "fst_init_" });
  try {
    for (const [path, list] of lists) {
      await Deno.writeTextFile(join(folder, basename(path)), `${list.join("\n")}\n`);
    }
    await Deno.writeTextFile(join(folder, file), text);
    const splits = splitsOfConfig(await loadConfig(join(folder, file)), null);
    const labeled = splits.filter(({ spec }) => spec.labeled);
    const samples: SplitPictures[] = [];
    for (const { name, spec } of splits) {
      if (spec.kind === "embedded") continue;
      const { usable } = await listDataSetFiles(spec);
      const dataSet = fileDataSet(usable);
      const most = Math.max(1, Math.floor(SHEET_PICTURES / labeled.length));
      const thumbnails: Thumbnail[] = [];
      for (const index of evenlySpacedIndices(usable.samples.length, most)) {
        thumbnails.push(createThumbnail(await dataSet.read(index), SHEET_WIDTH));
      }
      if (spec.labeled) {
        samples.push({ split: name, classes: usable.classes, thumbnails });
      }
    }
    return samples;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
