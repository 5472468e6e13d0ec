/**
 * Names of classes in the files that tools leave beside labels.
 *
 * ```text
 * labelmap.txt                                  CVAT: name:red,green,blue:parts:actions
 * _classes.csv                                  Roboflow: value, name
 * class_dict.csv                                name,r,g,b
 * label_colors.txt                              red green blue name
 * classes.txt, class_names.txt, labels.txt,
 * label_names.txt, codes.txt                    a name per line
 * ```
 *
 * @module
 */

import { CLASS_NAME } from "../core/host_batch.ts";
import { parseClassesCsv, parseLabelMap } from "../data/annotations/annotated_classes.ts";
import { decodeListText } from "../data/image_list.ts";
import { type Color } from "../data/label_colors.ts";
import { type FileSource, isHidden } from "../data/source/file_source.ts";

/** A class as a file names it. */
export interface NamedClass {
  readonly name: string;
  /** Its value in labels; null: the file does not say. */
  readonly value: number | null;
  /** Its color; null: the file does not say. */
  readonly color: Color | null;
}

/** The classes that a file names. */
export interface ClassFile {
  /** From the data set's folder. */
  readonly path: string;
  readonly classes: readonly NamedClass[];
}

/** What such files are called, and how they are read; the first that is there is. */
const FORMS: readonly {
  readonly name: RegExp;
  readonly parse: (text: string, file: string) => NamedClass[];
}[] = [
  {
    name: /(^|\/)labelmap\.txt$/i,
    parse: (text, file) =>
      parseLabelMap(text, file).map((one) => ({ ...one, value: null })),
  },
  {
    name: /(^|\/)_classes\.csv$/i,
    parse: (text, file) =>
      parseClassesCsv(text, file).map((one) => ({ ...one, color: null })),
  },
  { name: /(^|\/)class_(dict|dict_seg)\.csv$/i, parse: parseClassFile },
  { name: /(^|\/)label_colou?rs\.txt$/i, parse: parseClassFile },
  {
    name: /(^|\/)(labelmap|classes|class_names|label_names|labels|codes)\.(txt|csv)$/i,
    parse: parseClassFile,
  },
];

/** More bytes than any such file has. */
const MAX_BYTES = 1 << 20;

/**
 * Finds and reads the file that names the classes.
 *
 * @param files Paths of the data set.
 * @returns Null where there is none, or none that can be understood.
 */
export async function readClassFile(
  source: FileSource,
  files: readonly string[],
): Promise<ClassFile | null> {
  for (const { name, parse } of FORMS) {
    const candidates = files.filter((file) => name.test(file) && !isHidden(file))
      .sort((a, b) => a.split("/").length - b.split("/").length || (a < b ? -1 : 1));
    for (const path of candidates) {
      if (await source.size(path) > MAX_BYTES) continue;
      try {
        const classes = parse(decodeListText(await source.read(path)), path);
        if (classes.length > 0) return { path, classes };
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error; // of another tool
      }
    }
  }
  return null;
}

/**
 * Reads names, with values or colors where a line has them.
 *
 * @returns None where a line is nothing of the kind.
 */
export function parseClassFile(text: string): NamedClass[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/).map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const classes = lines.map(parseLine);
  // The heading of a table is no class.
  const [first] = lines;
  if (
    first !== undefined && /^(pixel value|name|class|class name|label)\b.*,/i.test(first)
  ) {
    classes.shift();
  }
  const isSound = classes.every((one) => one !== null && CLASS_NAME.test(one.name));
  return isSound ? classes.filter((one) => one !== null) : [];
}

function parseLine(line: string): NamedClass | null {
  const colorOf = (parts: readonly (string | undefined)[]): Color | null => {
    const [r = NaN, g = NaN, b = NaN] = parts.map(Number);
    return [r, g, b].every((one) => Number.isInteger(one) && one >= 0 && one <= 255)
      ? [r, g, b]
      : null;
  };
  const colorFirst = /^(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(.+)$/.exec(line);
  if (colorFirst !== null) {
    const name = colorFirst[4]?.trim() ?? "";
    return { name, value: null, color: colorOf(colorFirst.slice(1)) };
  }
  const colorLast = /^(.+?)\s*[,;\t]\s*(\d+)\s*[,;\t]\s*(\d+)\s*[,;\t]\s*(\d+)$/.exec(
    line,
  );
  if (colorLast !== null) {
    return { name: colorLast[1] ?? "", value: null, color: colorOf(colorLast.slice(2)) };
  }
  const valueFirst = /^(\d+)\s*[,;:\t ]\s*(\D.*)$/.exec(line);
  if (valueFirst !== null) {
    return {
      name: valueFirst[2]?.trim() ?? "",
      value: Number(valueFirst[1]),
      color: null,
    };
  }
  return { name: line.replace(/^["']|["'],?$/g, ""), value: null, color: null };
}
