/** Exports of masks, file by file as CVAT (by Datumaro) and Roboflow write them. @module */

import type { ClassInfo } from "../../../src/core/host_batch.ts";
import {
  parseClassesCsv,
  parseLabelMap,
} from "../../../src/data/annotations/annotated_classes.ts";
import type { FilePattern } from "../../../src/data/data_spec.ts";
import { encodePng } from "../../../src/formats/png.ts";
import { HEIGHT, tinyImage, tinyLabel, WIDTH } from "../tiny_folder.ts";

/** An export, and what to say about it in a configuration. */
export interface MaskExport {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly classes: readonly ClassInfo[];
  readonly pattern: FilePattern;
  /** By split, its list and the ids of every image. */
  readonly splits: Readonly<
    Record<string, {
      readonly list: string | null;
      readonly labels: Readonly<Record<string, readonly number[]>>;
    }>
  >;
}

const textBytes = (text: string) => new TextEncoder().encode(text);

const pixels = Array.from({ length: WIDTH * HEIGHT }, (_, i) => i);

/** The ids of an image. */
const idsOf = (image: number): number[] => pixels.map((i) => (i + image) % 3);

/** CVAT's "Segmentation mask 1.1". */
export function cvatExport(): MaskExport {
  const labelMap = "# label:color_rgb:parts:actions\nbackground:0,0,0::\n" +
    "car:250,50,83::\nroad:51,221,255::\n";
  const classes = parseLabelMap(labelMap, "labelmap.txt");
  const mask = (ids: readonly number[]) =>
    encodePng({
      width: WIDTH,
      height: HEIGHT,
      channels: 3,
      data: Uint8Array.from(ids.flatMap((id) => classes[id]?.color ?? [])),
    });
  const splits = {
    Train: {
      list: "ImageSets/Segmentation/Train.txt",
      labels: { "frame_000000": idsOf(0), "my photo": idsOf(1) },
    },
    Validation: {
      list: "ImageSets/Segmentation/Validation.txt",
      labels: { "sub/frame_000002": idsOf(2) },
    },
  };
  const files: Record<string, Uint8Array> = { "labelmap.txt": textBytes(labelMap) };
  for (const { list, labels } of Object.values(splits)) {
    files[list] = textBytes(Object.keys(labels).map((name) => `${name}\n`).join(""));
    for (const [name, ids] of Object.entries(labels)) {
      const ending = name.startsWith("frame") ? "PNG" : "png";
      files[`JPEGImages/${name}.${ending}`] = tinyImage(31 * (ids[0] ?? 0));
      files[`SegmentationClass/${name}.png`] = mask(ids);
      files[`SegmentationObject/${name}.png`] = mask(idsOf(0));
    }
  }
  return {
    files,
    classes,
    splits,
    pattern: {
      images: "JPEGImages",
      labels: "SegmentationClass",
      imageSuffix: "",
      labelSuffix: "",
    },
  };
}

/** Roboflow's "Semantic Segmentation Masks". */
export function roboflowExport(): MaskExport {
  const csv = "Pixel Value, Class\n0, background\n1, leaf\n2, stem\n";
  const classes = parseClassesCsv(csv, "_classes.csv").map(({ name, value }) => ({
    name,
    color: [value, value, value] as const,
  }));
  const files: Record<string, Uint8Array> = {
    "README.roboflow.txt": textBytes("exported\n"),
    "README.dataset.txt": textBytes("# plants\n"),
  };
  const splits = {
    train: { list: null, labels: { "a_jpg.rf.0c1f": idsOf(0), "b_png.rf.77": idsOf(1) } },
    valid: { list: null, labels: { "c_jpg.rf.d35e": idsOf(2) } },
  };
  for (const [split, { labels }] of Object.entries(splits)) {
    files[`${split}/_classes.csv`] = textBytes(csv);
    for (const [name, ids] of Object.entries(labels)) {
      files[`${split}/${name}.jpg`] = tinyImage(31 * (ids[0] ?? 0));
      files[`${split}/${name}_mask.png`] = tinyLabel((i) => ids[i] ?? 0);
    }
  }
  return {
    files,
    classes,
    splits,
    pattern: {
      images: "{split}",
      labels: "{split}",
      imageSuffix: "",
      labelSuffix: "_mask",
    },
  };
}
