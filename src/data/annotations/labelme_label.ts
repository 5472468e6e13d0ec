/**
 * The label of an image from the shapes of its labelme JSON, exactly as labelme's
 * `shapes_to_label` draws them: in the order of the file, the later ones over the earlier.
 *
 * Source: labelme 6.3, `labelme/utils/shape.py`, https://github.com/wkentaro/labelme.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { posix } from "node:path";
import { IGNORE_INDEX, type Size } from "../../core/host_batch.ts";
import { assertPixelCount } from "../../formats/image_file.ts";
import { decodePng } from "../../formats/png.ts";
import type { LabelMap } from "../data_set.ts";
import type { CategoryLookup } from "./category_classes.ts";
import { isJsonObject, type JsonObject, parseJsonPart } from "./json_elements.ts";
import { MAX_COORDINATE, outsideMessage } from "./outside.ts";
import {
  type Canvas,
  drawEllipse,
  drawLine,
  drawPolygon,
  drawRectangle,
  type Point,
} from "./pillow_draw.ts";

/** A labelme JSON, of which nothing but the lists is certain. */
export interface LabelmeFile {
  readonly shapes: readonly JsonObject[];
  /** The path of the picture from the folder of the JSON; null: it has none. */
  readonly imagePath: string | null;
  /** Whether the picture itself is inside. */
  readonly hasImageData: boolean;
  readonly imageHeight: unknown;
  readonly imageWidth: unknown;
}

/** What labelme itself calls pixels of no class, and those without a shape. */
const IGNORED_LABEL = "__ignore__";
const BACKGROUND_LABEL = "_background_";

/** The width of lines and the radius of points in pixels, as labelme draws them. */
const LINE_WIDTH = 10;
const POINT_RADIUS = 5;

/** Shapes that a message names. */
const MAX_LISTED = 5;

/**
 * Reads a labelme JSON.
 *
 * @throws {SyntaxError} If it is none; the message is the end of a sentence.
 */
export function readLabelmeFile(bytes: Uint8Array): LabelmeFile {
  const value = parseJsonPart(bytes);
  if (!isJsonObject(value) || !Array.isArray(value["shapes"])) {
    throw new SyntaxError('it has no list "shapes": is it one of labelme?');
  }
  const { shapes, imagePath, imageData, imageHeight, imageWidth } = value;
  if (!shapes.every(isJsonObject)) {
    throw new SyntaxError('its "shapes" are no objects: save it with labelme again');
  }
  return {
    shapes,
    imagePath: typeof imagePath === "string" ? imagePath.replaceAll("\\", "/") : null,
    hasImageData: typeof imageData === "string" && imageData !== "",
    imageHeight,
    imageWidth,
  };
}

/**
 * Draws a label.
 *
 * @param bytes A labelme JSON.
 * @param file What it is called in messages.
 * @param path Its path, whose stem is that of the picture.
 * @throws {SyntaxError | RangeError} If it is no labelme JSON, or a shape cannot be drawn;
 * the message tells of each.
 */
export function decodeLabelmeLabel(
  bytes: Uint8Array,
  file: string,
  path: string,
  { idOf, backgroundId, describeUnknown }: CategoryLookup,
): LabelMap {
  const fail = (reason: string, Kind: typeof RangeError | typeof SyntaxError) =>
    new Kind(`Cannot use the label "${file}": ${reason}`);
  let content: LabelmeFile;
  let size: Size;
  try {
    content = readLabelmeFile(bytes);
    size = sizeOf(content);
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error), SyntaxError);
  }
  const { width, height } = size;
  const data = new Uint8Array(width * height).fill(backgroundId);
  const problems: string[] = [];
  const unknown = new Map<string, number>();
  const outside: string[] = [];
  for (const [index, shape] of content.shapes.entries()) {
    const title = `shape ${index + 1}`;
    const { label } = shape;
    if (typeof label !== "string") {
      problems.push(`${title} has no "label"`);
      continue;
    }
    const id = idOf(label) ??
      (label === IGNORED_LABEL
        ? IGNORE_INDEX
        : label === BACKGROUND_LABEL
        ? backgroundId
        : undefined);
    if (id === undefined) {
      unknown.set(label, (unknown.get(label) ?? 0) + 1);
      continue;
    }
    const fill: Canvas["fill"] = (row, left, right) =>
      data.fill(id, row * width + left, row * width + right + 1);
    try {
      const points = drawShape(shape, { width, height, fill });
      if (points.some((point) => isOutside(point, size))) outside.push(title);
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof SyntaxError)) throw error;
      problems.push(`${title} ("${label}") ${error.message}`);
    }
  }
  if (unknown.size > 0) throw new RangeError(describeUnknown(file, unknown));
  if (problems.length > 0) {
    const more = problems.length - MAX_LISTED;
    const listed = problems.slice(0, MAX_LISTED).join("; ");
    throw fail(
      `${listed}${more > 0 ? `; and ${more} more` : ""}: correct or remove ${
        problems.length === 1 ? "it" : "them"
      } in labelme`,
      RangeError,
    );
  }
  const oddities = [
    outsideMessage(file, outside, size),
    otherPictureMessage(file, path, content),
  ].filter((one) => one !== null);
  return { width, height, data, ...oddities.length > 0 && { oddities } };
}

function sizeOf({ imageWidth, imageHeight }: LabelmeFile): Size {
  for (const [key, value] of Object.entries({ imageWidth, imageHeight })) {
    if (Number.isInteger(value) && Number(value) > 0) continue;
    const found = JSON.stringify(value) ?? "nothing";
    throw new SyntaxError(
      `its "${key}" is ${found}, and should be that of the picture in pixels: save it with ` +
        "labelme again",
    );
  }
  const size = { width: Number(imageWidth), height: Number(imageHeight) };
  assertPixelCount(size.width, size.height);
  return size;
}

const isOutside = ([x, y]: Point, { width, height }: Size): boolean =>
  x < -1 || y < -1 || x > width + 1 || y > height + 1;

// A file that was renamed without its picture, or the other way round.
function otherPictureMessage(
  file: string,
  path: string,
  { imagePath }: LabelmeFile,
): string | null {
  if (imagePath === null) return null;
  const stem = (name: string) =>
    posix.basename(name).replace(/\.[^.]*$/, "").normalize("NFC");
  if (stem(imagePath) === stem(path)) return null;
  return `The label "${file}" says that its picture is "${imagePath}", and is used for the ` +
    "one of its own name: is it the right one? correct its imagePath";
}

/** How many points each type of shape has. */
const POINT_COUNTS = new Map<unknown, readonly [least: number, most: number]>([
  ["polygon", [3, Infinity]],
  ["oriented_rectangle", [4, 4]],
  ["rectangle", [2, 2]],
  ["circle", [2, 2]],
  ["line", [2, 2]],
  ["linestrip", [2, Infinity]],
  ["point", [1, 1]],
  ["mask", [2, 2]],
]);

/**
 * Draws a shape.
 *
 * @returns Its points.
 * @throws {RangeError | SyntaxError} The message is a part of a sentence.
 */
function drawShape(
  shape: JsonObject,
  canvas: Canvas,
): readonly Point[] {
  const type = shape["shape_type"] ?? "polygon";
  const points = pointsOf(shape["points"]);
  const counts = POINT_COUNTS.get(type);
  if (counts === undefined) {
    throw new RangeError(
      `is of the type ${JSON.stringify(type)}, which is none of ${
        [...POINT_COUNTS.keys()].join(", ")
      }`,
    );
  }
  const [least, most] = counts;
  if (points.length < least || points.length > most) {
    const wanted = least === most ? `${least}` : `at least ${least}`;
    throw new RangeError(
      `is a ${type} of ${points.length} points and should have ${wanted}`,
    );
  }
  const [[x0, y0] = [0, 0], [x1, y1] = [0, 0]] = points;
  switch (type) {
    case "circle": {
      const radius = Math.sqrt((x0 - x1) ** 2 + (y0 - y1) ** 2);
      drawEllipse(canvas, [x0 - radius, y0 - radius], [x0 + radius, y0 + radius]);
      break;
    }
    case "point":
      drawEllipse(
        canvas,
        [x0 - POINT_RADIUS, y0 - POINT_RADIUS],
        [x0 + POINT_RADIUS, y0 + POINT_RADIUS],
      );
      break;
    case "rectangle":
      drawRectangle(
        canvas,
        [Math.min(x0, x1), Math.min(y0, y1)],
        [Math.max(x0, x1), Math.max(y0, y1)],
      );
      break;
    case "line":
    case "linestrip":
      drawLine(canvas, points, LINE_WIDTH);
      break;
    case "mask":
      drawMask(shape["mask"], [x0, y0], [x1, y1], canvas);
      break;
    default:
      drawPolygon(canvas, points);
  }
  return points;
}

function pointsOf(value: unknown): readonly Point[] {
  const isPoint = (one: unknown): one is Point =>
    Array.isArray(one) && one.length === 2 &&
    one.every((xy) => typeof xy === "number" && Math.abs(xy) <= MAX_COORDINATE);
  if (Array.isArray(value) && value.every(isPoint)) return value;
  throw new RangeError(
    `has points that are no pairs of numbers from −${MAX_COORDINATE} to ${MAX_COORDINATE}`,
  );
}

// A PNG of the box between two pixels, both of them included.
function drawMask(
  mask: unknown,
  topLeft: Point,
  bottomRight: Point,
  { width, height, fill }: Canvas,
): void {
  const [left, top] = topLeft.map(Math.trunc) as [number, number];
  const [right, bottom] = bottomRight.map(Math.trunc) as [number, number];
  if (typeof mask !== "string") throw new SyntaxError("is a mask without its picture");
  let png;
  try {
    png = decodePng(new Uint8Array(Buffer.from(mask, "base64")), "mask");
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*?: /, "") : "";
    throw new SyntaxError(`has a mask that is no PNG (${reason})`);
  }
  if (png.channels !== 1) throw new SyntaxError("has a mask that is no gray PNG");
  const box = { width: right - left + 1, height: bottom - top + 1 };
  if (png.width !== box.width || png.height !== box.height) {
    throw new RangeError(
      `has a mask of ${png.width}×${png.height} pixels for a box of ${box.width}×${box.height}`,
    );
  }
  if (left < 0 || top < 0 || right >= width || bottom >= height) {
    throw new RangeError(`has a mask that reaches out of the picture`);
  }
  for (let row = 0; row < box.height; row++) {
    for (let column = 0; column < box.width; column++) {
      if ((png.data[row * box.width + column] ?? 0) === 0) continue;
      fill(top + row, left + column, left + column);
    }
  }
}
