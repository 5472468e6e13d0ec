/** From the description of a data set to the data set, its files, or what decodes them. @module */

import {
  cocoDecoder,
  listCocoFiles,
  openCoco,
  openCocoImages,
} from "./annotations/coco.ts";
import { labelmeDecoder, listLabelmeFiles, openLabelme } from "./annotations/labelme.ts";
import type { DataSet, SampleFiles } from "./data_set.ts";
import type { DataSpec, FileDataSpec } from "./data_spec.ts";
import { openEmbedded } from "./embedded/embedded.ts";
import type { DataSetFiles, DataSetListing, SampleDecoder } from "./file_data_set.ts";
import { folderDecoder, listFolderFiles, openFolder } from "./folder.ts";
import {
  listNativeFiles,
  NATIVE_LAYOUTS,
  nativeDecoder,
  openNative,
} from "./native/native.ts";
import { createFolderSource } from "./source/folder_source.ts";

/**
 * Opens a data set: finds its files, without reading them.
 *
 * @throws If the description fits no files; the message says what was found instead.
 */
export async function openDataSet(spec: DataSpec): Promise<DataSet> {
  switch (spec.kind) {
    case "folder":
      return await openFolder(spec);
    case "coco":
      return await openCoco(spec);
    case "labelme":
      return await openLabelme(spec);
    case "native":
      return await openNative(spec);
    case "embedded":
      return openEmbedded(spec);
  }
}

/**
 * Finds the files of a data set, without reading them, whether or not it is complete.
 *
 * @throws If there is nothing of it, or the description fits nothing.
 */
export function listDataSetFiles(spec: FileDataSpec): Promise<DataSetListing> {
  switch (spec.kind) {
    case "folder":
      return listFolderFiles(spec);
    case "coco":
      return listCocoFiles(spec);
    case "labelme":
      return listLabelmeFiles(spec);
    case "native":
      return listNativeFiles(spec);
  }
}

/** Whether label values are class ids, with no map in between. */
export const hasClassIds = (spec: DataSpec): boolean =>
  spec.kind === "folder" && (spec.labelMap ?? null) === null;

/** The label value of each class, in a data set where that is known not to be its id. */
export const labelIdsOf = (spec: DataSpec): readonly number[] | null =>
  spec.kind === "native" ? NATIVE_LAYOUTS[spec.set].labelIds ?? null : null;

function decoderOf(spec: FileDataSpec): SampleDecoder {
  switch (spec.kind) {
    case "folder":
      return folderDecoder(spec);
    case "coco":
      return cocoDecoder(spec);
    case "labelme":
      return labelmeDecoder(spec);
    case "native":
      return nativeDecoder(spec);
  }
}

/** Makes sets of some files of a data set below a folder, without listing its samples. */
export async function openUnpacked(
  spec: DataSpec,
  root: string,
): Promise<(samples: readonly SampleFiles[]) => DataSetFiles> {
  if (spec.kind === "embedded") {
    throw new TypeError("Cannot read rendered scenes from files");
  }
  const decoder = decoderOf(spec);
  const source = spec.kind === "coco"
    ? await openCocoImages(spec, root)
    : createFolderSource(root);
  return (samples) => ({
    ...decoder,
    name: root,
    source,
    statisticsFolder: null,
    labelMeaning: null,
    samples,
  });
}
