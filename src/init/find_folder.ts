/** Images and label files in folders of any names, found by what belongs together. @module */

import type { FileDataSpec, FilePattern, FolderSpec } from "../data/data_spec.ts";
import type { SampleFiles } from "../data/data_set.ts";
import { listDataSetFiles } from "../data/open_data_set.ts";
import { type FileSource, isInFolder } from "../data/source/file_source.ts";
import { TARGET_WORDS, UNLABELED_WORDS } from "./choose_images.ts";
import { readClassFile } from "./class_files.ts";
import {
  findDistantLayouts,
  findLayouts,
  folderOf,
  isSplitName,
  type Layout,
  picturesOf,
} from "./find_layouts.ts";
import { type FoundData, type FoundPart, imageKey } from "./found_data.ts";
import { guessClasses } from "./guess_classes.ts";
import { readLabelContents, summarizeLabels } from "./label_contents.ts";

/** What a label layout is chosen by. */
interface RatedLayout {
  readonly layout: Layout;
  /** Of its labels: as gray or indices, as colors, or as no labels at all. */
  readonly form: "values" | "colors" | "picture" | "other format";
  /** Whether the same holds for its images: then names alone tell which are which. */
  readonly areImagesLabels: boolean;
  /** How much the names say that labels are labels and images images. */
  readonly hint: number;
  /**
   * Whether names say that labels are of another kind, of instances or made to be seen, or
   * that images are, as of depth.
   */
  readonly isSecondary: boolean;
}

const LABEL_WORDS = /mask|label|annot|anno\b|gt|seg|semantic|trimap|truth|class|manual/i;
const IMAGE_WORDS = /image|img|jpeg|jpg|rgb|picture|photo|frame|raw|input|stills/i;
const SECONDARY_WORDS =
  /object|instance|\binst|_inst|colou?r|visual|\bvis|_vis|overlay|edge|bound|contour|depth|preview|polygon|person/i;
const SECONDARY_IMAGE_WORDS =
  /depth|dispar|thermal|infrared|\bnir\b|heat|overlay|visual|\bvis|_vis|preview|thumb/i;

/** Layouts that are looked into. */
const MAX_RATED = 16;

/** Pairs of each that are. */
const MAX_PAIRS = 3;

/** How many of a candidate's pairs another one needs to be a candidate, too. */
const MIN_SHARE = 0.5;

/**
 * Finds images and labels in folders.
 *
 * @param files Paths of the data set.
 * @param root As a configuration names it.
 * @param wanted A folder or a suffix of the labels, where there are several; null: the best.
 * @returns Null if nothing belongs together.
 * @throws {RangeError | SyntaxError} If labels are of a format that is not read, or are no
 * labels.
 */
export async function findFolder(
  source: FileSource,
  files: readonly string[],
  root: string,
  wanted: string | null,
): Promise<FoundData | null> {
  const [best, ...others] = await ratedLayouts(source, files, wanted);
  if (best === undefined) return null;
  const { layout, form } = best;
  const place = describePlace(layout);
  const [{ label: example = "" } = {}] = layout.pairs;
  if (form === "other format") {
    throw new RangeError(
      `Cannot use the labels in ${place}: they are ${layout.labelEnding} files (first: ` +
        `"${example}"), and labels are read from .png and .tif files: convert ` +
        "them to PNGs whose values are class ids",
    );
  }
  if (form === "picture") {
    throw new RangeError(
      `Cannot use the labels in ${place}: "${example}" holds more values than there are ` +
        "classes, as after JPEG or smooth scaling: save labels without either, with one " +
        "value for each class",
    );
  }
  return await folderData(source, files, root, layout, chosenNote(best, others));
}

/** Where labels lie, as `--labels` takes it; null: nowhere. */
export async function findLabelPlace(
  source: FileSource,
  files: readonly string[],
): Promise<string | null> {
  const [best] = await ratedLayouts(source, files, null);
  if (best === undefined || best.form === "other format" || best.form === "picture") {
    return null;
  }
  const { images, labels, labelSuffix } = best.layout;
  return images === labels ? labelSuffix || null : lastOf(labels);
}

async function ratedLayouts(
  source: FileSource,
  files: readonly string[],
  wanted: string | null,
): Promise<RatedLayout[]> {
  for (const find of [findLayouts, findDistantLayouts]) {
    const rated: RatedLayout[] = [];
    const layouts = find(files).filter(isWanted(wanted));
    // Folders of as many patients make pairs with each other, which are no images and labels.
    const likely = layouts.filter((layout) => hintOf(layout) > 0);
    const candidates = new Set([...likely.slice(0, MAX_RATED / 2), ...layouts]);
    for (const layout of [...candidates].slice(0, MAX_RATED)) {
      rated.push(await rate(source, layout));
    }
    const ranked = rankLayouts(rated);
    if (ranked.length > 0) return ranked;
  }
  return [];
}

const isWanted =
  (wanted: string | null) => ({ labels, labelSuffix }: Layout): boolean => {
    if (wanted === null) return true;
    const folder = wanted.replace(/^\.\/|\/+$/g, "");
    return labelSuffix === wanted || labels === folder ||
      labels.startsWith(`${folder}/`) ||
      labels.split("/").includes(folder);
  };

async function rate(source: FileSource, layout: Layout): Promise<RatedLayout> {
  const { images, labels, imageSuffix, labelSuffix, labelEnding, pairs } = layout;
  const looked = pairs.slice(0, MAX_PAIRS);
  const isRead = /^\.(png|tiff?)$/.test(labelEnding);
  const labelForms = await Promise.all(
    looked.map(({ label }) => isRead ? formOf(source, label) : "other format" as const),
  );
  const imageForms = await Promise.all(
    looked.map(({ image }) =>
      /\.(png|tiff?)$/i.test(image) ? formOf(source, image) : "picture" as const
    ),
  );
  const isNot = (form: RatedLayout["form"]) => labelForms.includes(form);
  return {
    layout,
    form: isNot("other format")
      ? "other format"
      : isNot("picture")
      ? "picture"
      : isNot("colors")
      ? "colors"
      : "values",
    areImagesLabels: imageForms.every((form) => form !== "picture"),
    hint: hintOf(layout),
    isSecondary: SECONDARY_WORDS.test(labels + labelSuffix) ||
      SECONDARY_IMAGE_WORDS.test(images + imageSuffix),
  };
}

/** How much the names say that labels are labels and images images. */
function hintOf({ images, labels, imageSuffix, labelSuffix }: Layout): number {
  const score = (text: string) =>
    Number(LABEL_WORDS.test(text)) - Number(IMAGE_WORDS.test(text));
  return score(labels + labelSuffix) - score(images + imageSuffix);
}

async function formOf(source: FileSource, path: string): Promise<RatedLayout["form"]> {
  try {
    const { pixels, form } = readLabelContents(await source.read(path), path);
    return pixels === null ? "picture" : form;
  } catch {
    return "picture"; // damaged: it is named when all are read
  }
}

/** The best first: labels that look like labels, of the most images. */
export function rankLayouts(rated: readonly RatedLayout[]): RatedLayout[] {
  const likely = rated.filter(({ form, hint, areImagesLabels }) =>
    form === "values" || form === "colors" ? !areImagesLabels || hint > 0 : hint > 0
  );
  const isLabel = ({ form }: RatedLayout) => form === "values" || form === "colors";
  const usable = likely.some(isLabel) ? likely.filter(isLabel) : likely;
  const most = Math.max(0, ...usable.map(({ layout }) => layout.pairs.length));
  const order = (one: RatedLayout): number[] => [
    one.layout.pairs.length >= MIN_SHARE * most ? 0 : 1,
    one.isSecondary ? 1 : 0,
    one.form === "values" ? 0 : 1,
    -one.hint,
    -one.layout.pairs.length,
    one.layout.imageSuffix.length + one.layout.labelSuffix.length,
    one.layout.images === one.layout.labels ? 0 : 1,
  ];
  return usable.toSorted((a, b) => {
    const [first, second] = [order(a), order(b)];
    const at = first.findIndex((value, i) => value !== second[i]);
    return at < 0 ? 0 : (first[at] ?? 0) - (second[at] ?? 0);
  });
}

const describeFolder = (folder: string, suffix: string): string =>
  `"${folder}"${suffix === "" ? "" : ` with the suffix "${suffix}"`}`;

const describePlace = ({ labels, labelSuffix }: FilePattern): string =>
  describeFolder(labels, labelSuffix);

// Another folder of labels for the same images may be the one that was meant, and there may
// be other images with labels.
function chosenNote(
  { layout }: RatedLayout,
  others: readonly RatedLayout[],
): readonly string[] {
  const notes: string[] = [];
  const isAlternative = ({ images, labels, labelSuffix, pairs }: Layout) =>
    images === layout.images &&
    (labels !== layout.labels || labelSuffix !== layout.labelSuffix) &&
    pairs.length >= MIN_SHARE * layout.pairs.length;
  const alternatives = others.filter((one) => isAlternative(one.layout));
  const [{ layout: other } = {}] = alternatives;
  if (other !== undefined) {
    const folder = lastOf(other.labels);
    const name = other.labels === layout.labels
      ? other.labelSuffix
      : folder === lastOf(layout.labels)
      ? other.labels
      : folder;
    notes.push(
      `labels are those in ${describePlace(layout)}, not those in ${
        alternatives.map((one) => describePlace(one.layout)).join(", ")
      }: for others add --labels ${JSON.stringify(name)}`,
    );
  }
  const otherImages = others.filter(({ layout: one, areImagesLabels }) =>
    !areImagesLabels &&
    one.labels === layout.labels && one.labelSuffix === layout.labelSuffix &&
    one.pairs.length >= MIN_SHARE * layout.pairs.length
  ).map(({ layout: { images, imageSuffix } }) => describeFolder(images, imageSuffix));
  if (otherImages.length > 0) {
    notes.push(
      `images are those in ${
        describeFolder(layout.images, layout.imageSuffix)
      }, not those in ${otherImages.join(", ")}: for others change "files" in the ` +
        "configuration",
    );
  }
  const used = new Set(layout.pairs.flatMap(({ image, label }) => [image, label]));
  const apart = others.find((one) =>
    one.layout.pairs.every(({ image, label }) => !used.has(image) && !used.has(label))
  )?.layout;
  if (apart !== undefined) {
    notes.push(
      `there are others, as "${apart.images}" with labels in ${
        describePlace(apart)
      }, which ` +
        "are not used: put all images below one folder and all labels below another, as " +
        "images/A/1.png and labels/A/1.png",
    );
  }
  return notes;
}

const lastOf = (folder: string): string =>
  folder.split("/").findLast((part) => part !== "{split}") ?? folder;

async function folderData(
  source: FileSource,
  files: readonly string[],
  root: string,
  layout: Layout,
  notes: readonly string[],
): Promise<FoundData> {
  const pattern = withUnlabeledFolder(files, layout);
  const { images, labels, imageSuffix, labelSuffix } = pattern;
  const names: FilePattern = { images, labels, imageSuffix, labelSuffix };
  const splits = splitsOf(files, pattern);
  const specOf = (split: string, labeled: boolean): FolderSpec => ({
    kind: "folder",
    files: names,
    classes: [],
    ...{ root, split, labeled },
  });
  const { parts, pathsOf, notes: partNotes } = await findParts(source, {
    splits,
    labelsChoose: false,
    imageFolder: (split) => folderOf(images, split),
    labelFolder: labelFolderOf(pattern),
    specOf,
  });
  const rest = unusedPictures(files, splits, names);
  return {
    title: layout.images === layout.labels
      ? `images and labels side by side in "${layout.images}"`
      : `images in "${layout.images}", labels in "${layout.labels}"`,
    settings: { kind: "folder", root, files: withoutDefaults(names) },
    parts,
    lists: listsOf(source, files),
    readList: (split, list) => listedNames({ ...specOf(split, false), list }),
    notes: [
      ...notes,
      ...partNotes,
      ...(rest.length === 0 ? [] : [
        `pictures elsewhere in the folder are not used: ${rest.length} (first: "${
          rest[0]
        }")`,
      ]),
    ],
    async readImage(image) {
      const path = pathsOf.get(imageKey(image))?.image ?? "";
      return { bytes: await source.read(path), path: source.displayPath(path) };
    },
    async readClasses(images, search) {
      const classFile = await readClassFile(source, files);
      const summary = await summarizeLabels(
        images.map((image) => {
          const key = imageKey(image);
          const path = labelPath(pathsOf.get(key));
          return { key, path: source.displayPath(path), read: () => source.read(path) };
        }),
        search,
      );
      const [blurred] = summary.blurred;
      if (blurred !== undefined) {
        throw new RangeError(
          `Cannot use the labels: ${summary.blurred.length} of the ${images.length} that ` +
            "were read hold more values than there are classes, as after JPEG or smooth " +
            `scaling (first: "${blurred}"): save them without either, with one value for ` +
            "each class",
        );
      }
      const imageNames = images.map(({ name }) => name);
      const { classes, labelMap, idOf, reasons } = guessClasses(
        summary,
        classFile,
        imageNames,
      );
      return {
        classes,
        settings: labelMap === null ? {} : { labelMap },
        reasons,
        counts: new Map([...summary.byImage].map(([key, pixels]) => {
          const counts = new Array<number>(classes.length).fill(0);
          for (const [value, count] of pixels) {
            const id = idOf(value);
            if (id < counts.length) counts[id] = (counts[id] ?? 0) + count;
          }
          return [key, counts];
        })),
      };
    },
  };
}

// What the schema says anyway.
const withoutDefaults = (files: FilePattern): Record<string, string> =>
  Object.fromEntries(Object.entries(files).filter(([, value]) => value !== ""));

const labelPath = (files: Pick<SampleFiles, "label"> | undefined): string =>
  typeof files?.label === "string" ? files.label : "";

/** The parts of a data set in folders, and where their images and labels are. */
export interface FoundParts {
  readonly parts: readonly FoundPart[];
  /** By the key of the image. */
  readonly pathsOf: ReadonlyMap<string, Pick<SampleFiles, "image" | "label">>;
  /** What to know, a sentence each. */
  readonly notes: readonly string[];
}

/** How the files of every split are listed. */
export interface PartSearch {
  readonly splits: readonly string[];
  /** Where the images of a split are. */
  readonly imageFolder: (split: string) => string;
  /** Where its labels are; null: nowhere, it has none. */
  readonly labelFolder: (split: string) => string | null;
  readonly specOf: (split: string, labeled: boolean) => FileDataSpec;
  /** Whether the labels of a split say which images it has. */
  readonly labelsChoose: boolean;
}

/** Lists the files of every split, as a run does. */
export async function findParts(
  source: FileSource,
  { splits, imageFolder, labelFolder, specOf, labelsChoose }: PartSearch,
): Promise<FoundParts> {
  const pathsOf = new Map<string, Pick<SampleFiles, "image" | "label">>();
  const parts: FoundPart[] = [];
  const notes: string[] = [];
  for (const split of splits) {
    const folder = labelFolder(split);
    const isLabeled = folder !== null && await source.findFirst([folder]) !== null;
    const all = await listDataSetFiles(specOf(split, false));
    const labeled = isLabeled ? await listDataSetFiles(specOf(split, true)) : null;
    const labelFolders = splits.map(labelFolder)
      .filter((one) => one !== null && one !== "" && one !== imageFolder(split));
    const isImage = ({ image }: SampleFiles) =>
      !labelFolders.some((one) => one !== null && isInFolder(image, one));
    const samples = labeled?.usable.samples.filter(isImage) ?? [];
    for (const sample of [...all.usable.samples, ...samples]) {
      pathsOf.set(imageKey({ part: split, name: sample.name }), sample);
    }
    const withLabel = new Set(samples.map(({ name }) => name));
    const names = all.usable.samples.filter(isImage).map(({ name }) => name);
    const [orphan] = labeled?.orphanLabels ?? [];
    if (withLabel.size > 0 && orphan !== undefined) {
      notes.push(
        `labels without an image are left out: ${labeled?.orphanLabels.length} (first: ` +
          `"${orphan}")`,
      );
    }
    notes.push(...all.usable.notes ?? [], ...all.problems);
    const isChosen = labelsChoose && withLabel.size > 0;
    parts.push({
      name: split,
      settings: { split },
      labeled: names.filter((name) => withLabel.has(name)),
      unlabeled: names.filter((name) => !withLabel.has(name)),
      isWhole: isChosen || (names.length === all.usable.samples.length &&
        (withLabel.size === 0 || withLabel.size === names.length)),
    });
  }
  return {
    parts: withoutLabeledElsewhere(parts, imageFolder),
    pathsOf,
    notes: [...new Set(notes)],
  };
}

// Splits may share a folder of images: what has a label in one is not unlabeled in another.
function withoutLabeledElsewhere(
  parts: readonly FoundPart[],
  imageFolder: (split: string) => string,
): FoundPart[] {
  return parts.map((part, i) => {
    const sharing = parts.filter(({ name }) =>
      imageFolder(name) === imageFolder(part.name)
    );
    const labeled = new Set(sharing.flatMap((one) => one.labeled));
    // Of images without labels, the first of those that share them has all.
    const isFirst = sharing[0] === parts[i];
    const unlabeled = isFirst ? part.unlabeled.filter((name) => !labeled.has(name)) : [];
    return sharing.length === 1 ? part : { ...part, unlabeled };
  });
}

/** Where labels of splits are, of a layout. */
export const labelFolderOf =
  ({ images, labels, splits }: Layout) => (split: string): string | null =>
    // Where images of another split share no folder of labels, they have none.
    labels.includes("{split}") || !images.includes("{split}") || split === splits[0]
      ? folderOf(labels, split)
      : null;

/** Names of the splits that have images. */
export function splitsOf(
  files: readonly string[],
  { images, labels, splits }: Layout,
): string[] {
  if (!images.includes("{split}")) return ["all"];
  const [before = "", after = ""] = images.split("{split}");
  const found = new Set(splits);
  for (const file of picturesOf(files)) {
    if (!file.startsWith(before)) continue;
    const end = after === ""
      ? file.indexOf("/", before.length)
      : file.indexOf(`${after}/`);
    if (end > before.length) found.add(file.slice(before.length, end));
  }
  const labelFolders = new Set([...splits].map((split) => folderOf(labels, split)));
  const isOwn = (split: string) =>
    splits.includes(split) ||
    ((isSplitName(split) || UNLABELED_WORDS.test(split) || TARGET_WORDS.test(split)) &&
      !labelFolders.has(folderOf(images, split)));
  // Those of the layout first: they have labels.
  return [...splits, ...[...found].filter((one) => !splits.includes(one)).sort()]
    .filter(isOwn);
}

// Where pictures without labels lie in a folder of their own, it is a split beside the one
// of the labeled images.
function withUnlabeledFolder(files: readonly string[], layout: Layout): Layout {
  const { images, splits } = layout;
  if (splits.length > 0 || images === ".") return layout;
  const folders = new Set(picturesOf(files).map((file) => file.replace(/\/?[^/]*$/, "")));
  const other = [...folders].sort().find((folder) =>
    folder !== images && !isInFolder(folder, images) &&
    (UNLABELED_WORDS.test(folder) || TARGET_WORDS.test(folder)) &&
    folder !== layout.labels
  );
  return other === undefined
    ? layout
    : { ...layout, images: "{split}", splits: [images, other] };
}

function unusedPictures(
  files: readonly string[],
  splits: readonly string[],
  { images, labels }: FilePattern,
): string[] {
  const used = splits.flatMap((
    split,
  ) => [folderOf(images, split), folderOf(labels, split)]);
  return picturesOf(files).filter((file) =>
    !used.some((folder) => isInFolder(file, folder))
  );
}

/** Names of the images of a data set. */
export async function listedNames(spec: FileDataSpec): Promise<string[]> {
  const { usable } = await listDataSetFiles(spec);
  return usable.samples.map(({ name }) => name);
}

/** Lists of a data set, by the split that they are called after; those at the top first. */
export function listsOf(
  source: FileSource,
  files: readonly string[],
): Map<string, string> {
  const lists = new Map<string, string>();
  const isUnpacked = (source.unpackedRoot?.() ?? null) !== null;
  const found = isUnpacked
    ? files.filter((file) => /(^|\/)(train|val|valid|validation|test)\.txt$/i.test(file))
    : [];
  const depth = (file: string) => file.split("/").length;
  const isOther = (file: string) => /ImageSets\/(?!Segmentation)/.test(file);
  for (const file of found.toSorted((a, b) => depth(a) - depth(b))) {
    const name = file.replace(/^.*\/|\.txt$/gi, "").toLowerCase();
    if (!lists.has(name) && !isOther(file)) lists.set(name, source.displayPath(file));
  }
  return lists;
}
