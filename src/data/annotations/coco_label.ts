/**
 * The label of an image from its COCO annotations, as `cocoSegmentationToSegmentationMap`
 * of COCO's own tools makes it: annotations are drawn in the order of the file, and where
 * they overlap, the later one counts.
 *
 * @module
 */

import { IGNORE_INDEX, type Size } from "../../core/host_batch.ts";
import { assertPixelCount } from "../../formats/image_file.ts";
import type { LabelMap } from "../data_set.ts";
import type { CategoryLookup } from "./category_classes.ts";
import { annotationTitle, hasSegmentation } from "./coco_file.ts";
import { decodeRunString, fillPolygon, type FillRun, fillRuns } from "./coco_mask.ts";
import { type JsonObject, parseJsonPart } from "./json_elements.ts";
import { MAX_COORDINATE, outsideMessage } from "./outside.ts";

/** Whether regions with `iscrowd` have a class. */
export type CrowdMeaning = "class" | "ignore";

/** Annotations that a message names. */
const MAX_LISTED = 5;

/**
 * Draws a label.
 *
 * @param bytes A COCO JSON of this image alone.
 * @param file What it is called in messages.
 * @throws {SyntaxError | RangeError} If the image has no size, or an annotation cannot be
 * drawn; the message tells of each.
 */
export function decodeCocoLabel(
  bytes: Uint8Array,
  file: string,
  { idOf, backgroundId }: CategoryLookup,
  crowd: CrowdMeaning,
): LabelMap {
  const { images: [image], categories, annotations } = parseJsonPart(bytes) as Readonly<
    Record<"images" | "categories" | "annotations", readonly JsonObject[]>
  >;
  const size = sizeOf(image ?? {}, file);
  const { width, height } = size;
  const data = new Uint8Array(width * height).fill(backgroundId);
  const names = new Map(categories.map(({ id, name }) => [id, String(name)]));
  const problems: string[] = [];
  const outside: string[] = [];
  for (const [index, annotation] of annotations.entries()) {
    const title = annotationTitle(annotation, index);
    const name = names.get(annotation["category_id"]) ?? "";
    // A category that is no class is a fault of the whole file, and said of that.
    const id = Number(annotation["iscrowd"]) === 1 && crowd === "ignore"
      ? IGNORE_INDEX
      : idOf(name) ?? IGNORE_INDEX;
    try {
      const reachesOut = drawSegmentation(
        annotation["segmentation"],
        size,
        // Runs go down the columns, and labels along the rows.
        (from, to) => {
          let [x, y] = [Math.floor(from / height), from % height];
          for (let i = from; i < to; i++) {
            data[y * width + x] = id;
            if (++y === height) [x, y] = [x + 1, 0];
          }
        },
      );
      if (reachesOut) outside.push(title);
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof SyntaxError)) throw error;
      problems.push(`${title} ${error.message}`);
    }
  }
  if (problems.length > 0) {
    const more = problems.length - MAX_LISTED;
    throw new RangeError(
      `Cannot use the label "${file}": ${problems.slice(0, MAX_LISTED).join("; ")}${
        more > 0 ? `; and ${more} more` : ""
      }: correct or remove ${problems.length === 1 ? "it" : "them"}`,
    );
  }
  const oddities = outsideMessage(file, outside, size);
  return { width, height, data, ...oddities && { oddities: [oddities] } };
}

function sizeOf({ width, height }: JsonObject, file: string): Size {
  const fail = (reason: string) =>
    new RangeError(`Cannot use the label "${file}": ${reason}`);
  for (const [key, value] of Object.entries({ width, height })) {
    if (Number.isInteger(value) && Number(value) > 0) continue;
    const found = JSON.stringify(value) ?? "nothing";
    throw fail(`its "${key}" is ${found}: give that of the picture in pixels`);
  }
  const size = { width: Number(width), height: Number(height) };
  try {
    assertPixelCount(size.width, size.height);
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error));
  }
  return size;
}

/**
 * Draws polygons or runs.
 *
 * @returns Whether they reach out of the picture.
 * @throws {RangeError | SyntaxError} The message is a part of a sentence.
 */
function drawSegmentation(segmentation: unknown, size: Size, fill: FillRun): boolean {
  if (!hasSegmentation({ segmentation })) {
    throw new RangeError("has no segmentation");
  }
  if (Array.isArray(segmentation)) {
    const polygons = segmentation.map(polygonOf);
    for (const polygon of polygons) fillPolygon(polygon, size, fill);
    return polygons.some((polygon) =>
      polygon.some((value, i) =>
        value < -1 || value > 1 + (i % 2 === 0 ? size.width : size.height)
      )
    );
  }
  const { size: ownSize, counts } = segmentation as JsonObject;
  const [height, width] = Array.isArray(ownSize) ? ownSize : [];
  if (height !== size.height || width !== size.width) {
    throw new RangeError(
      `has runs for a picture of ${
        JSON.stringify(ownSize) ?? "no size"
      } rows and columns, ` +
        `which has ${JSON.stringify([size.height, size.width])}`,
    );
  }
  const runs = typeof counts === "string" ? decodeRunString(counts) : counts;
  const isValid = Array.isArray(runs) &&
    runs.every((count) => Number.isInteger(count) && count >= 0);
  if (!isValid) throw new SyntaxError('has no "counts" of pixels in its segmentation');
  fillRuns(runs, size, fill);
  return false;
}

function polygonOf(value: unknown): readonly number[] {
  if (!Array.isArray(value)) {
    throw new SyntaxError("has a segmentation that is no list of polygons");
  }
  const isValid = value.every((one) =>
    typeof one === "number" && Math.abs(one) <= MAX_COORDINATE
  );
  if (!isValid) {
    throw new RangeError(
      `has a coordinate that is no number from −${MAX_COORDINATE} to ${MAX_COORDINATE}`,
    );
  }
  if (value.length % 2 !== 0) {
    throw new RangeError(
      `has a polygon of ${value.length} coordinates, which is an odd number`,
    );
  }
  if (value.length < 6) {
    throw new RangeError(
      `has a polygon of ${value.length / 2} points, and three are the least`,
    );
  }
  return value;
}
