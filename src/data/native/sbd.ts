/**
 * The Semantic Boundaries Dataset: labels of 11,355 images of PASCAL VOC 2012, as they are
 * downloaded.
 *
 * ```text
 * benchmark_RELEASE/dataset/cls/<id>.mat    MAT v5; GTcls.Segmentation, uint8 [H, W]
 * ```
 *
 * Source: Hariharan et al., "Semantic Contours from Inverse Detectors" (ICCV 2011).
 *
 * @module
 */

import { basename, dirname, join, resolve } from "node:path";
import { readMatByteMatrix, type Uint8Matrix } from "../../formats/mat.ts";
import { errorReason, fileReadError, isMissingPath } from "../../io/file_errors.ts";
import type { LabelMap } from "../data_set.ts";
import { createLabelLookup, type LabelLookup, mapLabelValues } from "../decode_label.ts";
import { VOC_CLASSES } from "../native_classes.ts";
import { joinPath } from "../source/file_source.ts";
import { filesByStem } from "./find_files.ts";
import type { ExtraLabels } from "./layout.ts";

/** The ending of a label of this data set. */
const LABEL_EXTENSION = ".mat";

/** Whether a path is that of a label of this data set. */
export const isSbdLabel = (path: string): boolean => path.endsWith(LABEL_EXTENSION);

/** Where its folder of labels may be below the root. */
const LABEL_FOLDER_CANDIDATES = ["", "dataset", "benchmark_RELEASE/dataset"];

/** Names of the folder into which it is unpacked, beside other data. */
const UNPACKED_FOLDER_NAMES = ["SBD", "sbd"];

/** Folders of PASCAL VOC beside or in which people unpack other data. */
const VOC_FOLDERS = [
  "",
  "VOC2012",
  "VOCdevkit",
  "VOCdevkit/VOC2012",
  "TrainVal/VOCdevkit/VOC2012",
];

const DOWNLOAD_HINT = "restore the downloaded file (dataset/cls in SBD's benchmark.tgz)";

const SBD_LOOKUP: LabelLookup = {
  ...createLabelLookup(VOC_CLASSES, null),
  allowedValues: `those of SBD, 0 … ${VOC_CLASSES.length - 1}`,
  hint: DOWNLOAD_HINT,
};

/** How its labels are found. */
export const SBD_LABELS: ExtraLabels = {
  expectedContents:
    '"benchmark_RELEASE/dataset/cls" of SBD (unpacked or in an uncompressed .tar)',
  shardExtensions: ["label.mat", "mat"],

  async find(source, at) {
    const places = at === null
      ? VOC_FOLDERS.flatMap((base) =>
        ["", ...UNPACKED_FOLDER_NAMES].map((home) => joinPath(base, home))
      )
      : [at];
    const folder = await source.findFirst(
      places.flatMap((place) =>
        LABEL_FOLDER_CANDIDATES.map((folder) => joinPath(joinPath(place, folder), "cls"))
      ),
    );
    if (folder === null) return null;
    return {
      labels: filesByStem(await source.list(folder) ?? [], folder, LABEL_EXTENSION),
      expectedLabel: (name) => joinPath(folder, `${name}${LABEL_EXTENSION}`),
    };
  },

  async findUnpackedRoot(root) {
    // The root may be the innermost folder of the download.
    let at = resolve(root);
    while (/^(VOC2012|VOCdevkit|TrainVal)$/.test(basename(at))) {
      at = dirname(at);
      for (const home of ["benchmark_RELEASE", ...UNPACKED_FOLDER_NAMES]) {
        for (const folder of LABEL_FOLDER_CANDIDATES) {
          if (await isFolder(join(at, home, folder, "cls"))) return join(at, home);
        }
      }
    }
    return null;
  },
};

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (isMissingPath(error)) return false;
    throw fileReadError(path, error);
  }
}

/**
 * Decodes a label.
 *
 * @param file Its path, for messages.
 * @throws {SyntaxError} If it is no MAT file of level 5 with such a label, or is cut short.
 * @throws {RangeError} If it holds a value that is no class of PASCAL VOC.
 */
export function decodeSbdLabel(bytes: Uint8Array, file: string): LabelMap {
  let matrix: Uint8Matrix;
  try {
    matrix = readMatByteMatrix(bytes, "GTcls", "Segmentation");
  } catch (error) {
    throw new SyntaxError(
      `Cannot read the label "${file}" as one of SBD: ${errorReason(error)}: ` +
        DOWNLOAD_HINT,
      { cause: error },
    );
  }
  const { rows, columns, data } = matrix; // column by column
  const transposed = new Uint8Array(data.length);
  let maxValue = 0;
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) {
      const value = data[column * rows + row] ?? 0;
      if (value > maxValue) maxValue = value;
      transposed[row * columns + column] = value;
    }
  }
  const label = { width: columns, height: rows, data: transposed };
  if (maxValue < VOC_CLASSES.length) return label; // values are class ids
  return mapLabelValues({ ...label, step: 1 }, file, SBD_LOOKUP, "value");
}
