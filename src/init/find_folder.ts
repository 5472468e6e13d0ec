/** Images and label files in folders of any names, found by what belongs together. @module */

import type { FilePattern, FolderSpec } from "../data/data_spec.ts";
import type { SampleFiles } from "../data/data_set.ts";
import { listFolderFiles } from "../data/folder.ts";
import { type FileSource, isInFolder } from "../data/source/file_source.ts";
import { decodeImage } from "../formats/image_codec.ts";
import { TARGET_WORDS, UNLABELED_WORDS } from "./choose_images.ts";
import { readClassFile } from "./class_files.ts";
import {
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
  /** Whether names say that labels are of another kind: of instances, or made to be seen. */
  readonly isSecondary: boolean;
}

const LABEL_WORDS = /mask|label|annot|anno\b|gt|seg|truth|target|class|manual/i;
const IMAGE_WORDS = /image|img|jpeg|jpg|rgb|picture|photo|frame|raw|input|stills/i;
const SECONDARY_WORDS =
  /object|instance|\binst|_inst|colou?r|visual|\bvis|_vis|overlay|edge|bound|contour|depth|preview|polygon|person/i;

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
  const rated: RatedLayout[] = [];
  for (const layout of findLayouts(files).filter(isWanted(wanted)).slice(0, MAX_RATED)) {
    rated.push(await rate(source, layout));
  }
  const [best, ...others] = rankLayouts(rated);
  if (best === undefined) return null;
  const { layout, form } = best;
  const place = describePlace(layout);
  const [{ label: example = "" } = {}] = layout.pairs;
  if (form === "other format") {
    throw new RangeError(
      `Cannot use the labels in ${place}: they are ${layout.labelEnding} files (first: ` +
        `"${example}"), and labels are read from .png files: convert them to PNGs whose ` +
        "values are class ids",
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
  const isPng = labelEnding === ".png";
  const labelForms = await Promise.all(
    looked.map(({ label }) => isPng ? formOf(source, label) : "other format" as const),
  );
  const imageForms = await Promise.all(
    looked.map(({ image }) =>
      /\.png$/i.test(image) ? formOf(source, image) : "picture" as const
    ),
  );
  const isNot = (form: RatedLayout["form"]) => labelForms.includes(form);
  const [imageSide, labelSide] = [images + imageSuffix, labels + labelSuffix];
  const score = (text: string) =>
    Number(LABEL_WORDS.test(text)) - Number(IMAGE_WORDS.test(text));
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
    hint: score(labelSide) - score(imageSide),
    isSecondary: SECONDARY_WORDS.test(labelSide),
  };
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
    form === "values" || form === "colors"
      ? !areImagesLabels || hint > 0 || !rated.some((other) => other.hint > 0)
      : hint > 0
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
  ];
  return usable.toSorted((a, b) => {
    const [first, second] = [order(a), order(b)];
    const at = first.findIndex((value, i) => value !== second[i]);
    return at < 0 ? 0 : (first[at] ?? 0) - (second[at] ?? 0);
  });
}

const describePlace = ({ labels, labelSuffix }: FilePattern): string =>
  `"${labels}"${labelSuffix === "" ? "" : ` with the suffix "${labelSuffix}"`}`;

// Another folder of labels for the same images, which may be the one that was meant.
function chosenNote(
  { layout }: RatedLayout,
  others: readonly RatedLayout[],
): readonly string[] {
  const other = others.find(({ layout: one }) =>
    (one.labels !== layout.labels || one.labelSuffix !== layout.labelSuffix) &&
    (one.images !== layout.labels || one.labels !== layout.images) &&
    one.pairs.length >= MIN_SHARE * layout.pairs.length
  )?.layout;
  if (other === undefined) return [];
  const isFolder = other.labels !== layout.labels;
  return [
    `labels are in ${describePlace(layout)} and in ${
      describePlace(other)
    }: the first are ` +
    `used; for the others add --labels ${
      JSON.stringify(isFolder ? lastOf(other.labels) : other.labelSuffix)
    }`,
  ];
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
  const patterns = withUnlabeledFolder(files, layout);
  const { images, labels, imageSuffix, labelSuffix } = patterns;
  const pattern: FilePattern = { images, labels, imageSuffix, labelSuffix };
  const splits = splitsOf(files, patterns);
  const pathsOf = new Map<string, Pick<SampleFiles, "image" | "label">>();
  const parts: FoundPart[] = [];
  const found: string[] = [...notes];
  for (const split of splits) {
    const spec = (labeled: boolean): FolderSpec => ({
      kind: "folder",
      root,
      split,
      files: pattern,
      classes: [],
      labeled,
    });
    const labelFolders = splits.map((one) => folderOf(labels, one))
      .filter((folder) => folder !== folderOf(images, split));
    const isImage = (path: string) =>
      !labelFolders.some((folder) => folder !== "" && isInFolder(path, folder));
    const all = await listFolderFiles(spec(false));
    // A split without labels has no folder of theirs, or shares none with the images.
    const isLabeled = await source.findFirst([folderOf(labels, split)]) !== null &&
      (labels.includes("{split}") || !images.includes("{split}") ||
        split === layout.images);
    const labeled = isLabeled
      ? await listFolderFiles(spec(true))
      : { ...all, usable: null };
    const samples = labeled.usable?.samples ?? [];
    for (const { name, image, label } of [...all.usable.samples, ...samples]) {
      pathsOf.set(imageKey({ part: split, name }), { image, label });
    }
    const withLabel = new Set(
      samples.filter(({ image }) => isImage(image)).map(({ name }) => name),
    );
    const names = all.usable.samples.filter(({ image }) => isImage(image))
      .map(({ name }) => name);
    if (withLabel.size > 0 && labeled.orphanLabels.length > 0) {
      const [first = ""] = labeled.orphanLabels;
      found.push(
        `labels without an image are left out: ${labeled.orphanLabels.length} (first: ` +
          `"${first}")`,
      );
    }
    found.push(...all.usable.notes ?? [], ...all.problems);
    parts.push({
      name: split,
      settings: { split },
      labeled: names.filter((name) => withLabel.has(name)),
      unlabeled: names.filter((name) => !withLabel.has(name)),
      isWhole: names.length === all.usable.samples.length &&
        (withLabel.size === 0 || withLabel.size === names.length),
    });
  }
  const rest = unusedPictures(files, splits, patterns);
  if (rest.length > 0) {
    found.push(
      `${rest.length} pictures elsewhere in the folder are not used (first: "${
        rest[0]
      }")`,
    );
  }
  return {
    title: layout.images === layout.labels
      ? `images and labels side by side in "${layout.images}"`
      : `images in "${layout.images}", labels in "${layout.labels}"`,
    settings: { kind: "folder", root, files: pattern },
    parts,
    lists: listsOf(source, files),
    notes: [...new Set(found)],
    async readImage(image) {
      const path = pathsOf.get(imageKey(image))?.image ?? "";
      return await decodeImage(await source.read(path), source.displayPath(path));
    },
    async readClasses(images, search) {
      const classFile = await readClassFile(source, files);
      const summary = await summarizeLabels(
        images.map((image) => {
          const key = imageKey(image);
          const path = pathsOf.get(key)?.label ?? "";
          return { key, path: source.displayPath(path), read: () => source.read(path) };
        }),
        search,
      );
      const [blurred] = summary.blurred;
      if (blurred !== undefined) {
        throw new RangeError(
          `Cannot use the labels: ${summary.blurred.length} of the ${images.length} that ` +
            "were read hold more values than there are classes, as after JPEG or smooth " +
            `scaling (first: "${blurred}"): save ` +
            "them without either, with one value for each class",
        );
      }
      const names = images.map(({ name }) => name);
      const { classes, labelMap, idOf, reasons } = guessClasses(
        summary,
        classFile,
        names,
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

/** Names of the splits that have images. */
function splitsOf(
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
  return [...found].filter(isOwn).sort();
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

/** Lists of a data set, by the split that they are called after; those at the top first. */
function listsOf(source: FileSource, files: readonly string[]): Map<string, string> {
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
