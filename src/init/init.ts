/** From a folder of pictures to a configuration that trains. @module */

import { basename, dirname, extname, join, resolve } from "node:path";
import { loadConfig } from "../config/read.ts";
import { type BackendChoice, openBackend } from "../core/backend.ts";
import { evenlySpacedIndices } from "../data/evenly_spaced.ts";
import { openDataSet } from "../data/open_data_set.ts";
import { createThumbnail, type Thumbnail } from "../data/pipelines.ts";
import type { FileSource } from "../data/source/file_source.ts";
import { openSource } from "../data/source/open_source.ts";
import { decodeRaster } from "../formats/image_codec.ts";
import { errorReason, statOrNull } from "../io/file_errors.ts";
import { expandHome } from "../io/home_folder.ts";
import { assertWritableFile, writeOutputFile } from "../io/output_file.ts";
import type { SplitPictures } from "../prepare/prepare.ts";
import { splitsOfConfig } from "../prepare/splits_to_prepare.ts";
import { chooseImages, chooseParts, type ListFiles } from "./choose_images.ts";
import { configText, quoteArgument } from "./config_text.ts";
import { findAnnotations } from "./find_annotations.ts";
import { findFolder } from "./find_folder.ts";
import { picturesOf } from "./find_layouts.ts";
import { findNative } from "./find_native.ts";
import { MAX_LABELS_READ } from "./found_data.ts";
import { measureImages, pixelFormatOf } from "./measure_images.ts";
import { nothingFoundError } from "./nothing_found.ts";
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
  /** What to run next, as a shell takes it. */
  readonly command: string;
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
  const known = labels === null
    ? await findNative(source, files, root) ?? await findAnnotations(source, files, root)
    : null;
  const found = known ?? await findFolder(source, files, root, labels);
  if (found === null) throw await nothingFoundError(folder, source, files, labels);
  await assertWritableFile(out);
  const { training, evaluation } = chooseParts(found.parts);
  const images = [training, evaluation].flatMap((part) =>
    (part?.labeled ?? []).map((name) => ({ part: part?.name ?? "", name }))
  );
  const read = evenlySpacedIndices(images.length, MAX_LABELS_READ)
    .flatMap((index) => images[index] ?? []);
  const classes = await found.readClasses(read, { progress, signal });
  const readFile = (name: string) => found.readImage({ part: training.name, name });
  const format = await pixelFormatOf(
    training.labeled.length,
    (index) => readFile(training.labeled[index] ?? ""),
  );
  const readImage = async (name: string) => {
    const { bytes, path } = await readFile(name);
    return await decodeRaster(bytes, path, format);
  };
  const parts = { training, evaluation };
  const choice = { seed, files: names, readImage };
  const chosen = await chooseImages(found, parts, classes, choice);
  const { trainingNames, method } = chosen;
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
    method: method.name,
    format,
  }, backendName);
  const text = configText({
    folder: dirname(resolve(out)),
    file: out,
    title: found.title,
    settings: found.settings,
    ...{ schema, seed, classes, chosen, run, measures, format },
  });
  const samples = await checkWritten(text, basename(out), chosen.lists);
  for (const [path, list] of chosen.lists) {
    await writeOutputFile(path, new TextEncoder().encode(listText(list)));
  }
  await writeOutputFile(out, new TextEncoder().encode(text));
  return {
    title: found.title,
    notes: [
      ...classes.reasons,
      ...(read.length === images.length ? [] : [
        `${read.length} of the ${images.length} labels were read: "deno task prepare" reads ` +
        "them all",
      ]),
      ...found.notes,
      ...chosen.notes,
    ],
    files: [out, ...chosen.lists.keys()],
    command: `deno task train ${quoteArgument(out)}`,
    sheet: names.sheet,
    images: {
      labeled: trainingNames.length,
      unlabeled: chosen.unlabeledCount,
      evaluation: chosen.evaluationCount,
    },
    classes: classes.classes.map(({ name }) => name),
    method: method.name,
    samples,
  };
}

const listText = (names: readonly string[]): string => `${names.join("\n")}\n`;

/** The files of a configuration, by what they are. */
function fileNamesOf(out: string): ListFiles & { config: string; sheet: string } {
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
      await Deno.writeTextFile(join(folder, basename(path)), listText(list));
    }
    await Deno.writeTextFile(join(folder, file), text);
    const splits = splitsOfConfig(await loadConfig(join(folder, file)), null);
    const labeled = splits.filter(({ spec }) => spec.labeled);
    const samples: SplitPictures[] = [];
    for (const { name, spec } of splits) {
      if (spec.kind === "embedded") continue;
      const dataSet = await openDataSet(spec);
      const most = Math.max(1, Math.floor(SHEET_PICTURES / labeled.length));
      const thumbnails: Thumbnail[] = [];
      for (const index of evenlySpacedIndices(dataSet.names.length, most)) {
        thumbnails.push(createThumbnail(await dataSet.read(index), SHEET_WIDTH));
      }
      if (spec.labeled) {
        samples.push({ split: name, classes: dataSet.classes, thumbnails });
      }
    }
    return samples;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
