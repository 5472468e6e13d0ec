/** What is there of a data set, whether or not it is whole. @module */

import { folderInventory, type FolderSpec } from "./folder.ts";
import { nativeInventory, type NativeSpec } from "./native/native.ts";
import type { PairSet } from "./picture_pairs.ts";

/** Describes a data set in files: plain JSON. */
export type InventorySpec = FolderSpec | NativeSpec;

/** The files of a data set, and what is missing among them. */
export interface Inventory {
  /** The pictures that can be used. */
  readonly set: PairSet;
  /** How many there should be: those, and the ones without a label. */
  readonly wanted: number;
  /** How many were found: also those that are left out because they are known to be bad. */
  readonly found: number;
  /** Where the labels of the others were looked for, as people would call the files. */
  readonly missing: readonly string[];
  /** Labels that belong to no picture, likewise. */
  readonly spare: readonly string[];
  /** Names of pictures that a list of the data set itself has, and that are not there. */
  readonly lost: readonly string[];
  /** How many pictures that list has; 0 where there is none. */
  readonly listed: number;
  /** Where pictures are, for messages. */
  readonly folder: string;
}

/**
 * Finds the files of a data set, without reading them.
 *
 * @throws If there is nothing of it, or the description fits nothing.
 */
export function takeInventory(spec: InventorySpec): Promise<Inventory> {
  return spec.kind === "folder" ? folderInventory(spec) : nativeInventory(spec);
}
