/** What is known of a data set in the form in which it is downloaded. @module */

import { type ClassInfo, IGNORED } from "../../core/host_batch.ts";
import type { LabelMap } from "../data_set.ts";
import {
  decodeLabel,
  type LabelForm,
  type LabelTable,
  labelTable,
} from "../label_map.ts";
import type { FileSource } from "../source/file_source.ts";
import type { FurtherLabels } from "./further_labels.ts";

/** Turns a label file into class ids; `file` is what messages call it. */
export type DecodeLabel = (bytes: Uint8Array, file: string) => LabelMap;

/** What to look for. */
export interface Wanted {
  /** Null for all there is. */
  readonly split: string | null;
  /** Labels are looked for only if they are needed. */
  readonly labelled: boolean;
}

/** The files of a data set, by the names of its pictures. */
export interface Found {
  /** Where the pictures are, for messages. */
  readonly folder: string;
  /** Paths in the source. */
  readonly images: ReadonlyMap<string, string>;
  /** Likewise; pictures without a label are absent. */
  readonly labels: ReadonlyMap<string, string>;
  /** Where a missing label was looked for, for messages. */
  readonly labelOf: (name: string) => string;
  /** The pictures of the split, where a list of the data set says it; null: all. */
  readonly listed: readonly string[] | null;
}

/** A picture that nobody should learn from. */
export interface BadPicture {
  readonly names: ReadonlySet<string>;
  /** A sentence about those that were left out. */
  readonly note: (count: number) => string;
}

/** A data set as it is downloaded. */
export interface NativeLayout {
  /** As its authors call it. */
  readonly title: string;
  readonly classes: readonly ClassInfo[];
  /** What a folder or its archives hold, for the message where they do not. */
  readonly tree: string;
  /** Its splits, or null where it has none. */
  readonly splits: readonly string[] | null;
  /** Finds its files; null if nothing of it is there. */
  readonly find: (source: FileSource, wanted: Wanted) => Promise<Found | null>;
  /** The name of a picture from a line of a list, which may be a path. */
  readonly nameOf: (line: string) => string;
  /** How a label file is read, by its path. */
  readonly decoderOf: (path: string) => DecodeLabel;
  /** Labels that were published apart and stand in where there is none. */
  readonly further?: FurtherLabels;
  /** What to do where a label is missing, for the message. */
  readonly cure: string;
  /** Labelled pictures that are left out; null for none. */
  readonly bad: BadPicture | null;
}

/**
 * Reads label values that are not class ids.
 *
 * @param title Of the data set, for messages.
 * @param ids From file value to class id.
 * @param values How many values there are from 0 on; those without a class are ignored.
 */
export function decoderOfValues(
  title: string,
  classes: readonly ClassInfo[],
  ids: Readonly<Record<string, number>>,
  values: number,
  form: LabelForm,
): DecodeLabel {
  const all = Object.fromEntries(
    Array.from({ length: values }, (_, value) => [value, ids[value] ?? IGNORED]),
  );
  return decoder(title, labelTable(classes, all), values - 1, form);
}

/** Reads label values that are class ids. */
export function decoderOfIds(
  title: string,
  classes: readonly ClassInfo[],
  form: LabelForm,
): DecodeLabel {
  return decoder(title, labelTable(classes, null), classes.length - 1, form);
}

function decoder(
  title: string,
  table: LabelTable,
  last: number,
  form: LabelForm,
): DecodeLabel {
  const own: LabelTable = {
    ...table,
    allowed: `those of ${title}, 0 … ${last} and ${IGNORED} (ignored)`,
    cure: "put back the file that was downloaded",
  };
  return (bytes, file) => decodeLabel(bytes, file, own, form);
}
