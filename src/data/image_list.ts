/**
 * Lists that choose images, in the forms in which they are published: a stem or a path per
 * line, with or without folders and ending, and after it, if there is one, the label.
 *
 * @module
 */

import { existsSync, realpathSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { isRelativePath } from "./source/file_source.ts";

/** What a list chooses from. */
export interface ListedImages {
  /** Where the images are, for messages. */
  readonly folder: string;
  /** What was left out there, as "3 .tif files"; null: nothing. */
  readonly leftOut: string | null;
  /** The data set's folder. */
  readonly root: string;
  /** The path of each image in the data set, by its name; in the order of the names. */
  readonly paths: ReadonlyMap<string, string>;
  /** The name that a path from the folder of the images or from the root means. */
  readonly nameOf: (path: string) => string;
  /** The path of the label that is read for an image; null: none is. */
  readonly labelOf: (name: string) => string | null;
}

/** What a list chose. */
export interface ChosenImages {
  /** In the order of the lines. */
  readonly names: readonly string[];
  /** What a user should know, a sentence each. */
  readonly notes: readonly string[];
}

/** A line that is no comment. */
interface ListLine {
  /** Counted from 1. */
  readonly number: number;
  /** As it stands, without its end. */
  readonly text: string;
}

/** What labels and images end in, and what images alone. */
const ENDING = /\.(jpe?g|png|bmp|tiff?|gif|webp|npy|npz|mat|json|xml|txt)$/i;

const IMAGE_ENDING = /\.(jpe?g|png|bmp|tiff?|gif|webp)$/i;

/** A path with an ending, and something after it. */
const PATH_AND_MORE =
  /^(.*?\.(?:jpe?g|png|bmp|tiff?|gif|webp))["']?(?:\s*[,;]\s*|\s+)(\S.*)$/i;

/** What a terminal would act on; a tab stays as it stands. */
const UNPRINTABLE = /(?!\t)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Blanks in a line at which its image may end. */
const MAX_SPLITS = 32;

/** Characters of a line with two paths, at most. */
const MAX_LINE = 1 << 13;

/** Characters of a line that a message shows. */
const MAX_QUOTED = 200;

/**
 * Decodes the bytes of a list: UTF-8, UTF-16 by its mark or its zero bytes, or what Windows
 * wrote before.
 *
 * @throws {SyntaxError} If they are no text; the message is the end of a sentence.
 */
export function decodeListText(bytes: Uint8Array): string {
  const [first, second, third, fourth] = bytes;
  if (first === 0xff && second === 0xfe && third === 0 && fourth === 0) {
    throw new SyntaxError("it is encoded as UTF-32: save it as UTF-8");
  }
  const sample = bytes.subarray(0, 1 << 12);
  const zeros = [0, 0];
  for (const [i, byte] of sample.entries()) {
    if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  }
  const [even = 0, odd = 0] = zeros;
  const isLittle = (first === 0xff && second === 0xfe) || (odd > 0 && even === 0);
  const isBig = (first === 0xfe && second === 0xff) || (even > 0 && odd === 0);
  if (isLittle || isBig) {
    return new TextDecoder(isLittle ? "utf-16le" : "utf-16be").decode(bytes);
  }
  if (even > 0) throw new SyntaxError("it is no text file");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/**
 * Finds the images that a list names.
 *
 * @param list Its name, for messages.
 * @param text Its text.
 * @throws {RangeError} If it is empty, or a line names no image, several, one that another
 *   line names, or a path out of the data set's folder; the message quotes the line.
 */
export function chooseListed(
  list: string,
  text: string,
  images: ListedImages,
): ChosenImages {
  const finder = createFinder(images);
  const lines = linesOf(text, finder);
  const fail = (reason: string) =>
    new RangeError(`Cannot use the list "${list}": ${reason}`);
  if (lines.length === 0) throw fail("it is empty: one stem per line");
  const lineOf = new Map<string, ListLine>();
  const absent: ListLine[] = [];
  const otherLabels: string[] = [];
  for (const line of lines) {
    const found = findLine(line.text, finder);
    if (typeof found === "string") throw fail(`${quoteLine(line)} ${found}`);
    if (found === null) {
      absent.push(line);
      continue;
    }
    const { name, label } = found;
    const previous = lineOf.get(name);
    if (previous !== undefined) {
      throw fail(
        `it names "${name}" twice: remove one of the lines ${previous.number} and ` +
          `${line.number}`,
      );
    }
    lineOf.set(name, line);
    const read = images.labelOf(name);
    if (label !== null && read !== null && !isSameFile(label, read)) {
      otherLabels.push(`${quoteLine(line)}; read is "${read}"`);
    }
  }
  const [first] = absent;
  if (first !== undefined) {
    throw fail(
      `${absent.length} of its ${lines.length} lines name no image in ` +
        `"${images.folder}" (first: ${quoteLine(first)}; found there: ` +
        `${
          describeNames([...images.paths.keys()])
        }): each line is the stem or the path ` +
        "of an image",
    );
  }
  const notes = otherLabels.length === 0 ? [] : [
    `${otherLabels.length} of the ${lines.length} lines of the list "${list}" name another ` +
    `label than the one that is read (first: ${otherLabels[0]})`,
  ];
  return { names: [...lineOf.keys()], notes };
}

/** How many names there are and the first of them. */
export function describeNames(names: readonly string[]): string {
  if (names.length === 0) return "no images";
  const examples = names.slice(0, 3).map((name) => `"${name}"`).join(", ");
  return `${names.length} images, such as ${examples}`;
}

// An editor's byte-order mark, blank lines and a missing last line end are no part of a list.
function linesOf(text: string, { findExactly }: Finder): ListLine[] {
  return text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)
    .map((line, i) => ({ number: i + 1, text: line }))
    .filter(({ text }) => {
      const line = text.trim();
      return line !== "" && (!line.startsWith("#") || findExactly(line) !== null);
    });
}

const quoteLine = ({ number, text }: ListLine): string => {
  const line = text.trim();
  const shown = line.length > MAX_QUOTED ? `${line.slice(0, MAX_QUOTED)}…` : line;
  const printable = shown.replace(UNPRINTABLE, escapeCharacter);
  return `line ${number}: "${printable}"`;
};

const escapeCharacter = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** An image and the label that a line names after it; or what is wrong; null: none. */
type FoundLine = { readonly name: string; readonly label: string | null } | string | null;

function findLine(text: string, finder: Finder): FoundLine {
  const line = text.trim();
  if (line.length > MAX_LINE) return null;
  // A name with blanks is tried before a line is divided at one.
  const exact = finder.findExactly(line);
  if (exact !== null) return { name: exact, label: null };
  let problem: string | null = null;
  for (const [path, rest] of splitsOf(line)) {
    const found = finder.find(path);
    if (typeof found === "string") problem ??= found;
    if (!isFound(found)) continue;
    if (rest === "" || rest.startsWith("#")) return { name: found.name, label: null };
    const label = unquote(PATH_AND_MORE.exec(rest)?.[1] ?? rest);
    if (ENDING.test(label) || label.includes("/") || isFound(finder.find(label))) {
      return { name: found.name, label };
    }
    return "has something after its image that is no label: give one image per line, and " +
      "after it, if you like, its label";
  }
  return problem;
}

// Where the image may end and the label begin: after an ending, else nowhere or at any blank.
function* splitsOf(line: string): Generator<readonly [string, string]> {
  const [, path, rest] = PATH_AND_MORE.exec(line) ?? [];
  if (path !== undefined && rest !== undefined) yield [path, rest];
  yield [line, ""];
  let splits = 0;
  for (const { index, 0: blank } of line.matchAll(/\t+|\s*[,;]\s*|\s+/g)) {
    if (splits++ >= MAX_SPLITS) return;
    const after = line.slice(index + blank.length);
    if (index > 0 && after !== "") yield [line.slice(0, index), after];
  }
}

/** The image of a path; or what is wrong with the path; null: it is none. */
type Found = { readonly name: string } | string | null;

const isFound = (found: Found): found is { readonly name: string } =>
  found !== null && typeof found !== "string";

/** Finds images by the paths that lists have for them. */
interface Finder {
  readonly find: (path: string) => Found;
  /** The image that a text names as a whole: its name or its path; null: none. */
  readonly findExactly: (text: string) => string | null;
}

function createFinder({ paths, root, nameOf }: ListedImages): Finder {
  // Disks and lists may write one letter as one code point or as two.
  const byName = new Map([...paths.keys()].map((name) => [name.normalize("NFC"), name]));
  let byPath: Map<string, string> | null = null;
  const findExactly = (text: string): string | null => {
    byPath ??= new Map([...paths].map(([name, path]) => [partsOf(path).join("/"), name]));
    const path = partsOf(cleanPath(text)).join("/");
    return byName.get(text.normalize("NFC")) ?? byName.get(path) ?? byPath.get(path) ??
      null;
  };
  const roots = rootsOf(root);
  let byTail: Map<string, ReadonlySet<string>> | null = null;

  const findRelative = (path: string): Found => {
    const name = byName.get(path) ?? byName.get(nameOf(path).normalize("NFC"));
    return name === undefined ? findByTail(path) : { name };
  };
  // The image whose path ends like this one: all of this one, or all of the image's name
  // and the folder above it.
  const findByTail = (path: string): Found => {
    byTail ??= indexByTail(paths);
    const parts = partsOf(path);
    const fitting = [...byTail.get(tailKey(parts, 2)) ?? []].filter((name) => {
      const nameParts = partsOf(name);
      const common = commonTail(parts, partsOf(paths.get(name) ?? name));
      return common > nameParts.length ||
        Math.max(common, commonTail(parts, nameParts)) === parts.length;
    });
    const [only, second] = fitting;
    if (only === undefined) return null;
    if (second === undefined) return { name: only };
    return `fits ${fitting.length} images, such as "${only}" and "${second}": give its ` +
      "folder too";
  };
  const find = (text: string): Found => {
    const path = unquote(text);
    const exact = findExactly(path);
    if (exact !== null) return { name: exact };
    const slashed = path.replaceAll("\\", "/").normalize("NFC");
    const inner = roots.map((one) => innerPath(one, path)).find((one) => one !== null);
    if (inner !== undefined && inner !== null) {
      return findRelative(inner.normalize("NFC"));
    }
    // Lists of SegNet and others begin with a slash and mean a folder of theirs.
    const isRooted = slashed.startsWith("/") && !existsSync(path);
    const clean = cleanPath(isRooted ? slashed.replace(/^\/+/, "") : slashed);
    const found = isRelativePath(clean) ? findRelative(clean) : null;
    if (found !== null && isRelativePath(clean)) return found;
    if (!isRelativePath(slashed)) {
      return 'leads out of the data set\'s folder: give a path below it, without "..", ' +
        '"/" or a drive in front';
    }
    return null;
  };
  return { find, findExactly };
}

const unquote = (text: string): string => text.trim().replace(/^(["'])(.*)\1$/, "$2");

const cleanPath = (path: string): string =>
  path.split("/").filter((part, i) => part !== "." && (part !== "" || i === 0)).join("/");

/** Folders of a path, and its last part without its ending. */
const partsOf = (path: string): string[] =>
  path.normalize("NFC").replace(IMAGE_ENDING, "").split("/");

function commonTail(a: readonly string[], b: readonly string[]): number {
  let length = 0;
  while (
    length < Math.min(a.length, b.length) && a.at(-1 - length) === b.at(-1 - length)
  ) length++;
  return length;
}

/** Images by the last part, and by the last two, of their paths and of their names. */
function indexByTail(paths: ReadonlyMap<string, string>): Map<string, Set<string>> {
  const index = new Map<string, Set<string>>();
  for (const [name, path] of paths) {
    for (const parts of [name, path].map(partsOf)) {
      for (const key of [tailKey(parts, 1), tailKey(parts, 2)]) {
        const names = index.get(key) ?? new Set();
        index.set(key, names.add(name));
      }
    }
  }
  return index;
}

const tailKey = (parts: readonly string[], count: number): string =>
  parts.slice(-count).join("/");

// Where one is a part of the other's end, lists and data sets mean the same file.
function isSameFile(listed: string, read: string): boolean {
  const clean = cleanPath(listed.replaceAll("\\", "/")).replace(/^\/+/, "");
  const [a = [], b = []] = [clean, read].map((path) => partsOf(path.replace(ENDING, "")));
  return commonTail(a, b) === Math.min(a.length, b.length);
}

// A folder may be reached by several paths; an address has none.
function rootsOf(root: string): string[] {
  const path = resolve(root);
  try {
    return [...new Set([path, realpathSync(path)])];
  } catch {
    return [path];
  }
}

/** What is left of an absolute path below a folder, with slashes; null: it is elsewhere. */
function innerPath(folder: string, path: string): string | null {
  if (!isAbsolute(path)) return null;
  const inner = relative(folder, resolve(path));
  const isInside = inner !== "" && !isAbsolute(inner) && inner.split(sep)[0] !== "..";
  return isInside ? inner.replaceAll(sep, "/") : null;
}
