/** Which of the files that belong together are labels, by their contents and their names. @module */

import type { FilePattern } from "../data/data_spec.ts";
import type { FileSource } from "../data/source/file_source.ts";
import { findDistantLayouts, findLayouts, type Layout } from "./find_layouts.ts";
import { readLabelContents } from "./label_contents.ts";

/** What a label layout is chosen by. */
export interface RatedLayout {
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

/** Finds layouts that fit, the best first. */
export async function ratedLayouts(
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
  const hasForm = (form: RatedLayout["form"]) => labelForms.includes(form);
  return {
    layout,
    form: hasForm("other format")
      ? "other format"
      : hasForm("picture")
      ? "picture"
      : hasForm("colors")
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
function rankLayouts(rated: readonly RatedLayout[]): RatedLayout[] {
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

/** Where labels are, for messages. */
export const describePlace = ({ labels, labelSuffix }: FilePattern): string =>
  describeFolder(labels, labelSuffix);

/**
 * Says what else there is: another folder of labels for the same images may be the one that
 * was meant, and there may be other images with labels.
 */
export function otherLayoutNotes(
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
