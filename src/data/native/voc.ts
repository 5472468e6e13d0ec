/**
 * PASCAL VOC 2012.
 *
 * ```text
 * VOCdevkit/VOC2012/JPEGImages/<id>.jpg
 * VOCdevkit/VOC2012/SegmentationClassAug/<id>.png     where present, else SegmentationClass
 * VOCdevkit/VOC2012/ImageSets/Segmentation/<split>.txt
 * benchmark_RELEASE/dataset/cls/<id>.mat              SBD, where there is no such label
 * ```
 *
 * Source: Everingham et al., "The PASCAL Visual Object Classes Challenge" (IJCV 2015); the
 * extra labels are those of Hariharan et al., "Semantic Contours from Inverse Detectors"
 * (ICCV 2011).
 *
 * @module
 */

import { VOC_CLASSES } from "../native_classes.ts";
import { IGNORE_INDEX } from "../../core/host_batch.ts";
import { CLASS_ID_ENCODING } from "../decode_label.ts";
import { vocColor } from "../label_colors.ts";
import { type FileSource, joinPath, quoteNames } from "../source/file_source.ts";
import {
  classIdDecoder,
  type FindOptions,
  type FoundFiles,
  type NativeLayout,
  paletteColors,
} from "./layout.ts";
import { decodeSbdLabel, isSbdLabel, SBD_LABELS } from "./sbd.ts";
import { fileStem, findParallelFiles } from "./find_files.ts";

/** Void has the color of its value, too. */
const PALETTE_COLORS = paletteColors(
  Array.from(
    { length: 256 },
    (_, value) =>
      value < VOC_CLASSES.length || value === IGNORE_INDEX ? vocColor(value) : undefined,
  ),
  Array.from(
    { length: 256 },
    (_, value) => value < VOC_CLASSES.length ? value : IGNORE_INDEX,
  ),
  VOC_CLASSES,
);

const DECODER = classIdDecoder("VOC 2012", VOC_CLASSES, {
  ...CLASS_ID_ENCODING,
  expectation: "labels of VOC 2012 are 8-bit PNGs with a palette or gray: restore the " +
    "downloaded file",
}, PALETTE_COLORS);

async function find(
  source: FileSource,
  options: FindOptions,
): Promise<FoundFiles | null> {
  const found = await findParallelFiles(source, options, {
    baseFolders: ["", "VOC2012", "VOCdevkit/VOC2012", "TrainVal/VOCdevkit/VOC2012"],
    downloads: /^VOC(trainval|2012)[ _-]/i,
    images: "JPEGImages",
    labels: ["SegmentationClassAug", "SegmentationClass"],
    labelBaseFolders: [""], // SegmentationClassAug.zip, put beside the rest
  });
  if (found === null || options.split === null) return found;
  const folder = joinPath(found.base, "ImageSets/Segmentation");
  const lists = await source.list(folder) ?? [];
  const file = `${options.split}.txt`;
  if (!lists.includes(file)) {
    throw new RangeError(
      `Cannot use the data set: there is no list "${
        source.displayPath(joinPath(folder, file))
      }": that folder holds ${quoteNames(lists)}: correct "split"`,
    );
  }
  const text = new TextDecoder().decode(await source.read(joinPath(folder, file)));
  const ids = text.split("\n").map((line) => line.trim());
  return { ...found, splitNames: ids.filter((id) => id !== "") };
}

/** PASCAL VOC 2012 as it is downloaded. */
export const VOC: NativeLayout = {
  title: "PASCAL VOC 2012",
  classes: VOC_CLASSES,
  expectedContents: '"JPEGImages" and "SegmentationClass" (VOCtrainval_11-May-2012.tar)',
  imageCounts: { train: 1464, val: 1449, trainval: 2913 },
  downloadHint:
    'PASCAL VOC 2012 is "VOCtrainval_11-May-2012.tar" of its page at the University of ' +
    "Oxford; the labels of the additional 9118 images are those of the Semantic " +
    'Boundaries Dataset, "benchmark.tgz", to be unpacked beside it, or ' +
    '"SegmentationClassAug.zip", which others made of them',
  splits: ["train", "val", "trainval"],
  findFiles: find,
  nameOf: fileStem,
  decoderOf: (path) => isSbdLabel(path) ? decodeSbdLabel : DECODER,
  extraLabels: SBD_LABELS,
  missingLabelHint:
    "add SegmentationClassAug or SBD (benchmark.tgz, unpacked beside), which lists of " +
    "more than 1464 labels need",
};
