/** The classes that files of annotation tools name: for a configuration to begin with. @module */

import { CLASS_NAME, type ClassInfo } from "../../core/host_batch.ts";
import { readCocoFile } from "./coco_file.ts";
import { visitJsonElements } from "./json_elements.ts";
import { readLabelmeFile } from "./labelme_label.ts";

const unreadable = (file: string, what: string, reason: string): SyntaxError =>
  new SyntaxError(`Cannot read "${file}" as ${what}: ${reason}`);

const linesOf = (text: string): string[] =>
  text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/).map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));

/**
 * Reads the `labelmap.txt` of CVAT's "Segmentation mask 1.1": a line
 * `name:red,green,blue:parts:actions` per class.
 *
 * @param file Its name, for messages.
 * @returns In the order of the file, in its colors.
 * @throws {SyntaxError} If a line has another form, or a name or a color is there twice.
 */
export function parseLabelMap(text: string, file: string): ClassInfo[] {
  const fail = (reason: string) => unreadable(file, "a label map of CVAT", reason);
  const classes: ClassInfo[] = [];
  for (const line of linesOf(text)) {
    const [, name = "", ...digits] =
      /^(.+?):\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*(?::|$)/.exec(line) ?? [];
    const [red = 256, green = 256, blue = 256] = digits.map(Number);
    if (!CLASS_NAME.test(name) || Math.max(red, green, blue) > 255) {
      throw fail(
        `the line ${JSON.stringify(line)} is not of the form name:red,green,blue:parts:` +
          "actions: export it again",
      );
    }
    const color = [red, green, blue] as const;
    const other = classes.find((one) =>
      one.name === name || one.color.join() === color.join()
    );
    if (other !== undefined) {
      throw fail(
        `"${other.name}" and "${name}" have one name or one color: give each its own`,
      );
    }
    classes.push({ name, color });
  }
  if (classes.length === 0) throw fail("it has no line: export it again");
  return classes;
}

/** A class of a mask, and the value of its pixels. */
export interface ClassValue {
  readonly name: string;
  /** 0 … 255 */
  readonly value: number;
}

/**
 * Reads the `_classes.csv` of Roboflow's "Semantic Segmentation Masks": a head, and a line
 * `value, name` per class.
 *
 * @param file Its name, for messages.
 * @returns In the order of the values.
 * @throws {SyntaxError} If a line has another form, or a value is there twice.
 */
export function parseClassesCsv(text: string, file: string): ClassValue[] {
  const fail = (reason: string) =>
    unreadable(file, "a list of classes of Roboflow", reason);
  const classes = new Map<number, string>();
  for (const [index, line] of linesOf(text).entries()) {
    const [, digits = "", field = ""] = /^(\d+)\s*,\s*(.+)$/.exec(line) ?? [];
    const name = field.replace(/^"(.*)"$/, "$1").replaceAll('""', '"').trim();
    const value = Number(digits);
    if (digits === "" && index === 0) continue; // the head
    if (digits === "" || value > 255 || !CLASS_NAME.test(name)) {
      throw fail(
        `the line ${
          JSON.stringify(line)
        } is not of the form value, name: export it again`,
      );
    }
    const previous = classes.get(value);
    if (previous !== undefined) {
      throw fail(`the value ${value} is both "${previous}" and "${name}": keep one`);
    }
    classes.set(value, name);
  }
  if (classes.size === 0) throw fail("it has no class: export it again");
  return [...classes].sort(([a], [b]) => a - b).map(([value, name]) => ({ name, value }));
}

/** A category, and how many annotations with a segmentation have it. */
export interface CategoryCount {
  readonly name: string;
  readonly annotations: number;
}

/**
 * Counts the annotations of each category of a COCO JSON. Categories without any are left
 * out, as the groups of Roboflow's.
 *
 * @param file Its name, for messages.
 * @returns In the order of their ids.
 * @throws {SyntaxError} If it is no COCO JSON.
 */
export function cocoCategories(bytes: Uint8Array, file: string): CategoryCount[] {
  try {
    return [...readCocoFile(bytes, file).categories].map(([name, annotations]) => ({
      name,
      annotations,
    }));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw unreadable(file, "COCO annotations", error.message);
  }
}

/**
 * Whether a JSON looks like COCO's of objects: with lists of images, annotations and
 * categories, or with one of them where it ends too early, which reading it will say.
 */
export function isCocoJson(bytes: Uint8Array): boolean {
  const lists = ["images", "annotations", "categories"];
  const begun = new Set<string>();
  try {
    return visitJsonElements(bytes, lists, (list) => begun.add(list)).size ===
      lists.length;
  } catch {
    return begun.size > 0;
  }
}

/**
 * The labels of the shapes of a labelme JSON, each once, in the order of the shapes.
 *
 * @returns Null if it is no labelme JSON.
 */
export function labelmeLabels(bytes: Uint8Array): string[] | null {
  try {
    const labels = readLabelmeFile(bytes).shapes.map(({ label }) => label);
    return [...new Set(labels)].filter((one) => typeof one === "string");
  } catch {
    return null;
  }
}
