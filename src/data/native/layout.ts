/** What is known of a data set in the form in which it is downloaded. @module */

import { type ClassInfo, IGNORE_INDEX } from "../../core/host_batch.ts";
import type { LabelMap } from "../data_set.ts";
import { createLabelLookup, decodeLabel, type LabelEncoding } from "../decode_label.ts";
import { type Color, type LabelColors, packRgb } from "../label_colors.ts";
import type { FileSource } from "../source/file_source.ts";

/** Turns a label file into class ids; `file` is its name in messages. */
export type DecodeLabel = (bytes: Uint8Array, file: string) => LabelMap;

/** What to look for. */
export interface FindOptions {
  /** Null for all there is. */
  readonly split: string | null;
  /** Labels are looked for only if they are needed. */
  readonly labeled: boolean;
}

/** The files of a data set, by the names of its images. */
export interface FoundFiles {
  /** Where the images are, for messages. */
  readonly address: string;
  /** Paths in the source. */
  readonly images: ReadonlyMap<string, string>;
  /** Likewise; images without a label are absent. */
  readonly labels: ReadonlyMap<string, string>;
  /** Where a missing label was looked for, for messages. */
  readonly expectedLabel: (name: string) => string;
  /** The images of the split, where a list of the data set says it; null: all. */
  readonly splitNames: readonly string[] | null;
  /** The folders of the images, in the source. */
  readonly imageFolders: readonly string[];
  /** Likewise. */
  readonly labelFolders: readonly string[];
  /** What was left out because of its format, as "3 .tif files"; null: nothing. */
  readonly otherImages: string | null;
}

/** Labels that were published apart from the images they are of, by the names of these. */
export interface ExtraLabelFiles {
  /** Paths in the source. */
  readonly labels: ReadonlyMap<string, string>;
  /** Where the label of an image would be, in the source. */
  readonly expectedLabel: (name: string) => string;
}

/** How such labels are found. */
export interface ExtraLabels {
  /** What a folder or an archive of them holds, for messages. */
  readonly expectedContents: string;
  /** How shards name them. */
  readonly shardExtensions: readonly string[];
  /**
   * Finds them in a source.
   *
   * @param at A folder that holds nothing else; null: beside the data set.
   */
  readonly find: (
    source: FileSource,
    at: string | null,
  ) => Promise<ExtraLabelFiles | null>;
  /** Where they are unpacked beside a data set's folder; null: nowhere. */
  readonly findUnpackedRoot: (root: string) => Promise<string | null>;
}

/** A data set as it is downloaded. */
export interface NativeLayout {
  /** As its authors call it. */
  readonly title: string;
  readonly classes: readonly ClassInfo[];
  /** What a folder or its archives hold, for the message where they do not. */
  readonly expectedContents: string;
  /** How many images were published, by split; "" where there are no splits. */
  readonly imageCounts: Readonly<Record<string, number>>;
  /** What to download, and from whom. */
  readonly downloadHint: string;
  /** Its splits, or null where it has none. */
  readonly splits: readonly string[] | null;
  /** Finds its files; null if nothing of it is there. */
  readonly findFiles: (
    source: FileSource,
    options: FindOptions,
  ) => Promise<FoundFiles | null>;
  /** The name of an image from a line of a list, which may be a path. */
  readonly nameOf: (line: string) => string;
  /** The value of each class in label files, where that is not its id. */
  readonly labelIds?: readonly number[];
  /** How a label file is read, by its path. */
  readonly decoderOf: (path: string) => DecodeLabel;
  /** Labels that were published apart and are used where there is none. */
  readonly extraLabels?: ExtraLabels;
  /** What to do where a label is missing, for the message. */
  readonly missingLabelHint: string;
  /** Labeled images that no network should learn from, and a sentence about them. */
  readonly excluded?: {
    readonly names: ReadonlySet<string>;
    readonly note: (count: number) => string;
  };
}

/** Reads label values that are class ids. @param title Of the values, for messages. */
export const classIdDecoder = (
  title: string,
  classes: readonly ClassInfo[],
  encoding: LabelEncoding,
  colors: LabelColors | null = null,
): DecodeLabel => createDecoder(title, classes, null, classes.length, encoding, colors);

/**
 * Reads label values that are not class ids.
 *
 * @param title Of the values, for messages.
 * @param labelIds The file value of each class, in the order of their ids.
 * @param valueCount How many values there are from 0 on; those without a class are ignored.
 * @param valueColors The color of each value in the published palettes; null: none is known.
 */
export function mappedIdDecoder(
  title: string,
  classes: readonly ClassInfo[],
  labelIds: readonly number[],
  valueCount: number,
  encoding: LabelEncoding,
  valueColors: readonly Color[] | null = null,
): DecodeLabel {
  const mapping: Record<string, number> = {};
  for (let value = 0; value < valueCount; value++) {
    const id = labelIds.indexOf(value);
    mapping[value] = id < 0 ? IGNORE_INDEX : id;
  }
  const colors = valueColors && paletteColors(
    valueColors,
    valueColors.map((_, value) => mapping[value] ?? IGNORE_INDEX),
    classes,
  );
  return createDecoder(title, classes, mapping, valueCount, encoding, colors);
}

/**
 * The colors of a published palette.
 *
 * @param valueColors By file value.
 * @param ids What each value means.
 */
export function paletteColors(
  valueColors: readonly (Color | undefined)[],
  ids: readonly number[],
  classes: readonly ClassInfo[],
): LabelColors {
  const byColor = new Map<number, number>();
  for (const [value, color] of valueColors.entries()) {
    if (color === undefined) continue;
    const [packed, id] = [packRgb(...color), ids[value] ?? IGNORE_INDEX];
    // Of a class and of what is ignored, the class has the color.
    if (id !== IGNORE_INDEX || !byColor.has(packed)) byColor.set(packed, id);
  }
  return {
    ids: byColor,
    ofValues: valueColors,
    ignoredValue: null,
    nameOf: (id) => `"${classes[id]?.name ?? "what is ignored"}"`,
    describeUnknown: null,
  };
}

function createDecoder(
  title: string,
  classes: readonly ClassInfo[],
  mapping: Readonly<Record<string, number>> | null,
  valueCount: number,
  encoding: LabelEncoding,
  colors: LabelColors | null,
): DecodeLabel {
  const { offsetHint: _, ...table } = createLabelLookup(classes, mapping);
  const lookup = {
    ...table,
    allowedValues: `those of ${title}, 0 … ${
      valueCount - 1
    } and ${IGNORE_INDEX} (ignored)`,
    hint: "restore the downloaded file",
  };
  return (bytes, file) => decodeLabel(bytes, file, lookup, encoding, colors);
}
