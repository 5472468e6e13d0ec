/**
 * The Semantic Boundaries Dataset: labels of 11,355 pictures of PASCAL VOC 2012, as they
 * are downloaded.
 *
 * ```text
 * benchmark_RELEASE/dataset/cls/<id>.mat    MAT v5; GTcls.Segmentation, uint8 [H, W]
 * ```
 *
 * Source: Hariharan et al., "Semantic Contours from Inverse Detectors" (ICCV 2011).
 *
 * @module
 */

import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { VOC_CLASSES } from "../../core/known_classes.ts";
import { type ByteMatrix, readMatBytes } from "../../core/mat.ts";
import type { LabelMap } from "../data_set.ts";
import { type LabelTable, labelTable, lookUp } from "../label_map.ts";
import { below } from "../source/file_source.ts";
import type { FurtherLabels } from "./further_labels.ts";

/** What a label of this data set ends in. */
const ENDING = ".mat";

/** Whether a path is that of a label of this data set. */
export const isSbdLabel = (path: string): boolean => path.endsWith(ENDING);

/** Where its folder of labels may be, from what was downloaded or named. */
const FOLDERS = ["", "dataset", "benchmark_RELEASE/dataset"];

/** What the folder is called into which it is unpacked, beside other data. */
const HOMES = ["SBD", "sbd"];

/** Folders of PASCAL VOC beside or in which people unpack other data. */
const VOC_FOLDERS = [
  "",
  "VOC2012",
  "VOCdevkit",
  "VOCdevkit/VOC2012",
  "TrainVal/VOCdevkit/VOC2012",
];

const CURE = "put back the file that was downloaded (dataset/cls of SBD's benchmark.tgz)";

const TABLE: LabelTable = {
  ...labelTable(VOC_CLASSES, null),
  allowed: `those of SBD, 0 … ${VOC_CLASSES.length - 1}`,
  cure: CURE,
};

/** How its labels are found. */
export const SBD: FurtherLabels = {
  tree: '"benchmark_RELEASE/dataset/cls" of SBD (unpacked or in an uncompressed .tar)',
  endings: ["label.mat", "mat"],

  async find(source, at) {
    const places = at === null
      ? VOC_FOLDERS.flatMap((base) => ["", ...HOMES].map((home) => below(base, home)))
      : [at];
    const folder = await source.locate(
      places.flatMap((place) =>
        FOLDERS.map((folder) => below(below(place, folder), "cls"))
      ),
    );
    if (folder === null) return null;
    const labels = new Map<string, string>();
    for (const file of await source.list(folder) ?? []) {
      if (!isSbdLabel(file) || /(^|\/)\./.test(file)) continue;
      labels.set(file.slice(0, -ENDING.length), below(folder, file));
    }
    return { folder, labels, labelOf: (name) => below(folder, `${name}${ENDING}`) };
  },

  async beside(root) {
    // What is named may be the innermost folder of what was downloaded.
    let at = resolve(root);
    while (/^(VOC2012|VOCdevkit|TrainVal)$/.test(basename(at))) {
      at = dirname(at);
      for (const home of ["benchmark_RELEASE", ...HOMES]) {
        for (const folder of FOLDERS) {
          const labels = join(at, home, folder, "cls");
          const info = await stat(labels).catch(() => null);
          if (info?.isDirectory()) return join(at, home);
        }
      }
    }
    return null;
  },
};

/**
 * Decodes a label.
 *
 * @param file Its path, for messages.
 * @throws {SyntaxError} If it is no MAT file of level 5 with such a label, or is cut short.
 * @throws {RangeError} If it holds a value that is no class of PASCAL VOC.
 */
export function decodeSbd(bytes: Uint8Array, file: string): LabelMap {
  let matrix: ByteMatrix;
  try {
    matrix = readMatBytes(bytes, "GTcls", "Segmentation");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(
      `Cannot read the label "${file}" as one of SBD: ${reason}: ${CURE}`,
      { cause: error },
    );
  }
  const { label, largest } = turn(matrix);
  if (largest < VOC_CLASSES.length) return label; // values are class ids
  return lookUp({ ...label, step: 1 }, file, TABLE, "value");
}

// Writes row by row what stands column by column.
function turn({ rows, columns, data }: ByteMatrix): { label: LabelMap; largest: number } {
  const turned = new Uint8Array(data.length);
  let largest = 0;
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) {
      const value = data[column * rows + row] ?? 0;
      if (value > largest) largest = value;
      turned[row * columns + column] = value;
    }
  }
  return { label: { width: columns, height: rows, data: turned }, largest };
}
