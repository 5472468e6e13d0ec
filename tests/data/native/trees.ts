/** Small data sets in the layouts in which the real ones are downloaded. @module */

import { tinyImage } from "../tiny_folder.ts";
import { GRAY, PALETTE, plainPng, RGB } from "../plain_png.ts";

/** Contents by path. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** Width and height of all images. */
export const WIDTH = 48;
export const HEIGHT = 32;

/** Class values in blocks of the image. */
const blocks = (values: readonly number[], n: number) => (i: number) => {
  const column = Math.floor((i % WIDTH) / (WIDTH / values.length));
  return values[(column + n) % values.length] ?? 0;
};

const image = (n: number) => tinyImage(n * 31, WIDTH, HEIGHT);

const gray = (value: (i: number) => number) => plainPng(WIDTH, HEIGHT, GRAY, 8, value);
const palette = (value: (i: number) => number) =>
  plainPng(WIDTH, HEIGHT, PALETTE, 8, value);

/** Road, building, car, and what is ignored. */
const LABEL_IDS = [7, 11, 26, 0];

/** Cityscapes' frames of a split: `ulm_000000_000019` … */
export const frame = (city: string, n: number) =>
  `${city}_${String(n).padStart(6, "0")}_000019`;

/** Cityscapes: labelIds, instanceIds and colors, as downloaded. */
export function cityscapesFiles(
  splits: Readonly<Record<string, number>> = { train: 3, val: 2 },
): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {
    "README": new TextEncoder().encode("Cityscapes"),
  };
  for (const [split, count] of Object.entries(splits)) {
    for (let n = 0; n < count; n++) {
      const city = n % 2 === 0 ? "ulm" : "aachen";
      const name = `${split}/${city}/${frame(city, n)}`;
      files[`leftImg8bit/${name}_leftImg8bit.png`] = image(n);
      files[`gtFine/${name}_gtFine_labelIds.png`] = gray(blocks(LABEL_IDS, n));
      files[`gtFine/${name}_gtFine_instanceIds.png`] = image(n);
      files[`gtFine/${name}_gtFine_color.png`] = image(n);
    }
  }
  return files;
}

/** GTA5: palette indices. */
export function gtaFiles(
  names: readonly string[] = ["00001", "00002", "00003"],
): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const [n, name] of names.entries()) {
    files[`images/${name}.png`] = image(n + 5);
    files[`labels/${name}.png`] = palette(blocks(LABEL_IDS, n));
  }
  return files;
}

/** SYNTHIA: 16-bit RGB, class in red, a large instance id in green. */
export function synthiaFiles(count = 3): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (let n = 0; n < count; n++) {
    const name = `${String(n).padStart(7, "0")}.png`;
    const value = blocks([3, 2, 8, 0], n);
    files[`RGB/${name}`] = image(n + 9);
    files[`GT/LABELS/${name}`] = plainPng(
      WIDTH,
      HEIGHT,
      RGB,
      16,
      (i, channel) => channel === 0 ? value(i) : channel === 1 ? 700 + n : 0,
    );
  }
  return files;
}

/** The ids of the tiny VOC. */
export const VOC_IDS = ["2007_000032", "2007_000039", "2011_000003"];

/** VOC 2012: palette labels with void borders, and lists of ids. */
export function vocFiles(base = "VOCdevkit/VOC2012/"): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const [n, id] of VOC_IDS.entries()) {
    // The decoder looks at the bytes, not at the ending.
    files[`${base}JPEGImages/${id}.jpg`] = image(n + 2);
    files[`${base}SegmentationClass/${id}.png`] = palette(blocks([0, 15, 255, 7], n));
  }
  // An image without a label, as most of the download are.
  files[`${base}JPEGImages/2012_000001.jpg`] = image(1);
  const lists = `${base}ImageSets/Segmentation/`;
  const [first = "", second = "", third = ""] = VOC_IDS;
  files[`${lists}train.txt`] = new TextEncoder().encode(`${first}\n${second}\n`);
  files[`${lists}val.txt`] = new TextEncoder().encode(`${third}`);
  return files;
}

/** CamVid: colored labels of a road, a bus, a tunnel and what is void. */
export function camvidFiles(count = 3): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  const colors = [[128, 64, 128], [192, 128, 192], [64, 0, 64], [0, 0, 0]];
  for (let n = 0; n < count; n++) {
    const name = `0001TP_00669${n}`;
    const index = blocks([0, 1, 2, 3], n);
    files[`701_StillsRaw_full/${name}.png`] = image(n + 3);
    files[`LabeledApproved_full/${name}_L.png`] = plainPng(
      WIDTH,
      HEIGHT,
      RGB,
      8,
      (i, channel) => colors[index(i)]?.[channel] ?? 0,
    );
  }
  return files;
}

/** Puts every path below a folder. */
export const within = (folder: string, files: Files): Record<string, Uint8Array> =>
  Object.fromEntries(
    Object.entries(files).map(([path, bytes]) => [`${folder}/${path}`, bytes]),
  );
