/** What annotation tools wrote, and what they drew of it. @module */

import { readFileSync } from "node:fs";
import type { ClassInfo } from "../../../src/core/host_batch.ts";
import { decodeRunString, fillRuns } from "../../../src/data/annotations/coco_mask.ts";
import { tinyImage } from "../tiny_folder.ts";

/** Background, and what is annotated. */
export const CLASSES: readonly ClassInfo[] = [
  { name: "background", color: [0, 0, 0] },
  { name: "person", color: [220, 20, 60] },
  { name: "car", color: [0, 0, 142] },
];

/** A label as values and how often they follow each other. */
export interface ExpectedLabel {
  readonly width: number;
  readonly height: number;
  readonly runs: readonly number[];
}

/** Reads a fixture. */
export const readFixture = (name: string) =>
  JSON.parse(
    readFileSync(new URL(`../../golden/annotations/${name}`, import.meta.url), "utf8"),
  );

/** The values of a label. [H, W] */
export function labelOf(runs: readonly number[]): number[] {
  const values: number[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    values.push(...new Array(runs[i + 1] ?? 0).fill(runs[i]));
  }
  return values;
}

/** The mask that a tool drew, from pycocotools' encoding, as rows of digits. */
export function maskRows(width: number, height: number, encoding: string): string[] {
  const rows = Array.from({ length: height }, () => new Array(width).fill(0));
  fillRuns(decodeRunString(encoding), { width, height }, (from, to) => {
    for (let i = from; i < to; i++) {
      const row = rows[i % height];
      if (row) row[Math.floor(i / height)] = 1;
    }
  });
  return rows.map((row) => row.join(""));
}

/** A COCO JSON of a split. */
// deno-lint-ignore no-explicit-any -- tests change anything in it
export type CocoJson = any;

const COCO_SET = readFixture("coco_set.json");

/** The labels that pycocotools draws, by split and stem. */
export const COCO_LABELS: Readonly<
  Record<string, ExpectedLabel & { readonly crowdIgnored: readonly number[] }>
> = COCO_SET.labels;

/** The JSON of a split. */
export const cocoJson = (split: "train" | "val"): CocoJson =>
  structuredClone(COCO_SET.splits[split]);

/** Files of a COCO data set as COCO has them. */
export function cocoFiles(
  edit: (json: CocoJson) => void = () => {},
  place = (split: string) => `annotations/instances_${split}.json`,
): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const split of ["train", "val"] as const) {
    for (const [i, image] of cocoJson(split).images.entries()) {
      files[`${split}/${image.file_name}`] = tinyImage(
        i + (split === "val" ? 90 : 0),
        image.width,
        image.height,
      );
    }
    const json = cocoJson(split);
    if (split === "train") edit(json);
    files[place(split)] = new TextEncoder().encode(JSON.stringify(json));
  }
  return files;
}

const LABELME_SET = readFixture("labelme_set.json");

/** The labels that labelme draws, by stem. */
export const LABELME_LABELS: Readonly<Record<string, ExpectedLabel>> = LABELME_SET.labels;

/** The JSON of an image. */
export const labelmeJson = (stem: string): CocoJson =>
  structuredClone(LABELME_SET.files[stem]);

/** Files of a labelme data set: four images in "train", two in "val". */
export function labelmeFiles(
  edit: (json: CocoJson, stem: string) => void = () => {},
): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const [stem, { width, height }] of Object.entries(LABELME_LABELS)) {
    const split = Number(stem) < 4 ? "train" : "val";
    const json = labelmeJson(stem);
    edit(json, stem);
    files[`${split}/${stem}.png`] = tinyImage(Number(stem) * 31, width, height);
    files[`${split}/${stem}.json`] = new TextEncoder().encode(JSON.stringify(json));
  }
  return files;
}
