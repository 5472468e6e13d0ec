/** Images and label files in folders of any names, found by what belongs together. @module */

import type { FilePattern, FolderSpec } from "../data/data_spec.ts";
import type { SampleFiles } from "../data/data_set.ts";
import { type FileSource, isInFolder } from "../data/source/file_source.ts";
import { TARGET_WORDS, UNLABELED_WORDS } from "./choose_images.ts";
import { readClassFile } from "./class_files.ts";
import { folderOf, type Layout, picturesOf } from "./find_layouts.ts";
import {
  findParts,
  labelFolderOf,
  listedNames,
  listsOf,
  splitsOf,
} from "./find_parts.ts";
import { type FoundData, imageKey } from "./found_data.ts";
import { guessClasses } from "./guess_classes.ts";
import { summarizeLabels } from "./label_contents.ts";
import { describePlace, otherLayoutNotes, ratedLayouts } from "./rate_layouts.ts";

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
  return await folderData(source, files, root, layout, otherLayoutNotes(best, others));
}

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
