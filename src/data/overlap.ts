/** Which images two splits of a run have in common. @module */

import type { DataSpec } from "./data_spec.ts";
import type { DataSetFiles } from "./file_data_set.ts";

/** A data set of a run. */
interface UsedDataSet {
  readonly spec: DataSpec;
  /** Stems of its images. */
  readonly names: readonly string[];
}

/**
 * Notices that all of a run's images without labels are among those with labels.
 *
 * @returns What a user should know; null if there are others, as there should be.
 */
export function unlabeledOverlapNote(
  labeled: UsedDataSet,
  unlabeled: UsedDataSet,
): string | null {
  if (locationOf(labeled.spec) !== locationOf(unlabeled.spec)) return null;
  const labeledNames = new Set(labeled.names);
  if (!unlabeled.names.every((name) => labeledNames.has(name))) return null;
  return `every one of the ${unlabeled.names.length} unlabeled images is one of ` +
    'the labeled ones: choose others in "data.target"';
}

/** The parts of a run that are compared, by what they are called. */
interface ComparedParts {
  readonly training: string;
  readonly evaluation: string;
}

/**
 * Says that a part of a run is measured on images that it learns from.
 *
 * @param shared Their names; at least one.
 */
export const sharedImagesNote = (
  { training, evaluation }: ComparedParts,
  shared: readonly string[],
): string =>
  `${shared.length} pictures of "${evaluation}" are also in "${training}" ` +
  `(first: "${shared[0]}"): scores on them are too good`;

/** Where images lie, whichever of them are chosen. */
function locationOf(spec: DataSpec): string {
  switch (spec.kind) {
    case "embedded": // the name of a scene is its number
      return JSON.stringify([spec.kind, spec.domain, spec.size ?? null, spec.seed ?? 0]);
    case "folder":
    case "coco":
    case "labelme":
      return JSON.stringify([spec.kind, spec.root, spec.split, spec.files ?? null]);
    case "native":
      return JSON.stringify([spec.kind, spec.set, spec.root, spec.split ?? null]);
  }
}

/** What two splits have in common, by the names of images. */
export interface ImageOverlap {
  /** One file, in both. */
  readonly sameFile: readonly string[];
  /** Two files with the same bytes. */
  readonly duplicates: readonly string[];
}

/** Compares the files of images that have the same name in two sets. */
export async function findImageOverlap(
  first: DataSetFiles,
  second: DataSetFiles,
): Promise<ImageOverlap> {
  const images = new Map(second.samples.map(({ name, image }) => [name, image]));
  const sameFile: string[] = [];
  const duplicates: string[] = [];
  for (const { name, image } of first.samples) {
    const otherImage = images.get(name);
    if (otherImage === undefined) continue;
    if (first.source.displayPath(image) === second.source.displayPath(otherImage)) {
      sameFile.push(name);
    } else if (await sameBytes(first, image, second, otherImage)) duplicates.push(name);
  }
  return { sameFile, duplicates };
}

async function sameBytes(
  first: DataSetFiles,
  image: string,
  second: DataSetFiles,
  otherImage: string,
): Promise<boolean> {
  try {
    const [a, b] = [await first.source.read(image), await second.source.read(otherImage)];
    return a.length === b.length && a.every((byte, i) => byte === b[i]);
  } catch {
    return false; // the check of the files reports what cannot be read
  }
}
