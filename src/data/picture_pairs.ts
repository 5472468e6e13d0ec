/** Pictures and their labels, in files of any source, as a data set. @module */

import { createHash } from "node:crypto";
import type { ClassInfo } from "../core/host_batch.ts";
import type { DataSet, LabelMap } from "./data_set.ts";
import { loosePairs } from "./loose_pairs.ts";
import type { FileSource } from "./source/file_source.ts";

/** Files whose size and date are asked for side by side. */
const FILES_AT_ONCE = 256;

/** A picture's files, by their paths in the source. */
export interface PicturePair {
  readonly name: string;
  readonly image: string;
  /** Null in a set without labels. */
  readonly label: string | null;
}

/** Everything that makes a data set of pairs. */
export interface PairSet {
  /** For messages. */
  readonly name: string;
  readonly classes: readonly ClassInfo[];
  readonly labelled: boolean;
  readonly source: FileSource;
  /** Sorted by name. */
  readonly pairs: readonly PicturePair[];
  /** Turns a label file into class ids; `file` is what messages call it. */
  readonly decode: (bytes: Uint8Array, file: string, path: string) => LabelMap;
  /** What label values mean: caches of what was counted depend on it. */
  readonly meaning: unknown;
  /** A folder in which other tools may have left their statistics; null for none. */
  readonly folder: string | null;
  /** What a user should know, a sentence each. */
  readonly notes?: readonly string[];
}

/** Makes a data set that reads each pair when it is asked for. */
export function pairedDataSet(set: PairSet): DataSet {
  const { source, pairs, classes } = set;
  const pairAt = (index: number): PicturePair => {
    const pair = pairs[index];
    if (pair !== undefined) return pair;
    throw new RangeError(
      `Cannot read picture ${index} of "${set.name}": there are ${pairs.length}`,
    );
  };
  const labelOf = ({ name, label }: PicturePair): string => {
    if (label !== null) return label;
    throw new RangeError(
      `Cannot read the label of "${name}" of "${set.name}": no labels`,
    );
  };
  const readLabel = async (index: number): Promise<LabelMap> => {
    const path = labelOf(pairAt(index));
    return set.decode(await source.read(path), source.address(path), path);
  };

  return {
    name: set.name,
    classes,
    names: pairs.map(({ name }) => name),
    labelled: set.labelled,
    folder: set.folder,
    notes: set.notes ?? [],
    loose: loosePairs(set),
    readLabel,

    async read(index) {
      const pair = pairAt(index);
      const file = source.address(pair.image);
      const labelling = set.labelled ? readLabel(index) : null;
      // Where both are damaged, the image is the one to be named.
      labelling?.catch(() => {});
      // Loaded by the first picture: programs that read none need no right to it.
      const { decodeImage } = await import("../core/image_codec.ts");
      const { width, height, data } = await decodeImage(
        await source.read(pair.image),
        file,
      );
      const label = await labelling;
      if (label !== null) {
        assertSameSize({ width, height }, file, label, source.address(labelOf(pair)));
      }
      return {
        name: pair.name,
        width,
        height,
        image: data,
        label: label?.data ?? null,
      };
    },

    fingerprint: () => filesFingerprint(set, (pair) => [labelOf(pair)]),
  };
}

/** Changes whenever what labels mean, the pictures, or one of their chosen files may have. */
export async function filesFingerprint(
  { source, pairs, classes, meaning }: PairSet,
  filesOf: (pair: PicturePair) => readonly string[],
): Promise<string> {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([classes.map(({ name }) => name), meaning]));
  for (let at = 0; at < pairs.length; at += FILES_AT_ONCE) {
    const some = pairs.slice(at, at + FILES_AT_ONCE);
    const states = await Promise.all(some.map(async (pair) => {
      const files = await Promise.all(filesOf(pair).map(source.fingerprint));
      return `${pair.name}\n${files.join("\n")}\n`;
    }));
    hash.update(states.join(""));
  }
  return hash.digest("hex");
}

interface Extent {
  readonly width: number;
  readonly height: number;
}

/** @throws {RangeError} If an image and its label differ in size; names their files. */
export function assertSameSize(
  image: Extent,
  imageFile: string,
  label: Extent,
  labelFile: string,
): void {
  if (label.width === image.width && label.height === image.height) return;
  throw new RangeError(
    `Cannot pair "${imageFile}" with "${labelFile}": the image is ` +
      `${image.width}×${image.height} and the label ${label.width}×${label.height}: ` +
      "both must have the same size",
  );
}

/** What a picture's name may end in. */
export const ENDINGS = /\.(jpe?g|png)$/i;

/**
 * The stem that a line of a list means: itself, or that of the file which it names in its
 * folder or from the root.
 */
export function stemOf(line: string, folder: string, suffix: string): string {
  const file = line.startsWith(`${folder}/`) ? line.slice(folder.length + 1) : line;
  if (!ENDINGS.test(file)) return file;
  const whole = file.replace(ENDINGS, "");
  return whole.endsWith(suffix) ? whole.slice(0, whole.length - suffix.length) : whole;
}

/**
 * Pictures by stem. A stem keeps the folders above it, with "/" on every system.
 *
 * @param files Paths from `folder`; what is no picture is left out.
 * @param suffix What stands between a stem and the ending of a picture; others are left
 * out.
 * @throws {RangeError} If two pictures share a stem.
 */
export function picturesByStem(
  files: readonly string[],
  folder: string,
  suffix = "",
): Map<string, string> {
  const byStem = new Map<string, string>();
  for (const file of files) {
    // Hidden files, such as the "._name.jpg" that macOS leaves on other systems' disks.
    if (!ENDINGS.test(file) || /(^|\/)\./.test(file)) continue;
    const whole = file.replace(ENDINGS, "");
    if (!whole.endsWith(suffix)) continue;
    const stem = whole.slice(0, whole.length - suffix.length);
    const other = byStem.get(stem);
    if (other !== undefined) {
      throw new RangeError(
        `Cannot use the data set: "${folder}" holds both "${other}" and "${file}", which ` +
          `would share one label: remove or rename one`,
      );
    }
    byStem.set(stem, file);
  }
  return byStem;
}
