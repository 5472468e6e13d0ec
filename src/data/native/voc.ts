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
 * further labels are those of Hariharan et al., "Semantic Contours from Inverse Detectors"
 * (ICCV 2011).
 *
 * @module
 */

import { VOC_CLASSES } from "../../core/known_classes.ts";
import { INDEX_FORM } from "../label_map.ts";
import { below, type FileSource, quoted } from "../source/file_source.ts";
import { decoderOfIds, type Found, type NativeLayout, type Wanted } from "./layout.ts";
import { decodeSbd, isSbdLabel, SBD } from "./sbd.ts";
import { findSideBySide, stemOf } from "./side_by_side.ts";

const DECODER = decoderOfIds("VOC 2012", VOC_CLASSES, {
  ...INDEX_FORM,
  expected: "labels of VOC 2012 are 8-bit PNGs with a palette or grey: put back the " +
    "file that was downloaded",
});

async function find(source: FileSource, wanted: Wanted): Promise<Found | null> {
  const found = await findSideBySide(source, wanted, {
    bases: ["", "VOC2012", "VOCdevkit/VOC2012", "TrainVal/VOCdevkit/VOC2012"],
    images: "JPEGImages",
    labels: ["SegmentationClassAug", "SegmentationClass"],
    labelBases: [""], // SegmentationClassAug.zip, put beside the rest
  });
  if (found === null || wanted.split === null) return found;
  const folder = below(found.base, "ImageSets/Segmentation");
  const lists = await source.list(folder) ?? [];
  const file = `${wanted.split}.txt`;
  if (!lists.includes(file)) {
    throw new RangeError(
      `Cannot use the data set: there is no list "${
        source.address(below(folder, file))
      }": that folder holds ${quoted(lists)}: correct "split"`,
    );
  }
  const text = new TextDecoder().decode(await source.read(below(folder, file)));
  const listed = text.split("\n").map((line) => line.trim()).filter((id) => id !== "");
  return { ...found, listed };
}

/** PASCAL VOC 2012 as it is downloaded. */
export const VOC: NativeLayout = {
  title: "PASCAL VOC 2012",
  classes: VOC_CLASSES,
  tree: '"JPEGImages" and "SegmentationClass" (VOCtrainval_11-May-2012.tar)',
  splits: ["train", "val", "trainval"],
  find,
  nameOf: stemOf,
  decoderOf: (path) => isSbdLabel(path) ? decodeSbd : DECODER,
  further: SBD,
  cure:
    "add SegmentationClassAug or SBD (benchmark.tgz, unpacked beside), which lists of " +
    "more than 1464 labels need",
  bad: null,
};
