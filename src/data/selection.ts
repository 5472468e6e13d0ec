/** Which of the pictures in a folder belong to a data set. @module */

import { readFile, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The part of a folder's pictures to use. What is null does not restrict. */
export interface Selection {
  /** Patterns for the stem, in which * stands for any characters; one has to fit. */
  readonly include?: readonly string[] | null;
  /**
   * A file with one stem per line, as given or below the data set's folder; or one of this
   * project's `configs/splits`, such as `pascal/662/labeled`.
   */
  readonly list?: string | null;
}

/** The published splits, beside the configurations of this project. */
const SPLITS = "../../configs/splits/";

/**
 * Asserts that a path stays below the folder it is joined to.
 *
 * @param path The path, from a config, a list or a checkpoint.
 * @param what Where it stands, for the message.
 * @throws {RangeError} If it is absolute or climbs with "..".
 */
export function assertInside(path: string, what: string): void {
  const parts = path.split(/[\\/]/);
  const escapes = path === "" || path.includes("\0") || /^[A-Za-z]:/.test(path) ||
    parts[0] === "" || parts.includes("..");
  if (!escapes) return;
  throw new RangeError(
    `Cannot use ${what}: "${path}" leads out of the data set's folder: give a path ` +
      `below it, without "..", "/" or a drive in front`,
  );
}

/**
 * Chooses stems.
 *
 * @param found The stems in the folder, sorted.
 * @param folder The folder, for messages.
 * @param root The data set's folder, below which a list may lie.
 * @param nameOf The stem that a line of a list means.
 * @returns The chosen stems, sorted.
 * @throws {RangeError} If nothing is left, or a listed stem is absent, repeated or leads out.
 */
export async function select(
  found: readonly string[],
  selection: Selection,
  folder: string,
  root: string,
  nameOf: (line: string) => string = (line) => line,
): Promise<string[]> {
  const include = selection.include ?? null;
  const list = selection.list ?? null;
  const listed = list === null ? null : await readList(list, root, nameOf);

  if (listed !== null) {
    const present = new Set(found);
    const absent = listed.filter((stem) => !present.has(stem));
    if (absent.length > 0) {
      throw new RangeError(
        `Cannot use the list "${list}": ${absent.length} of its ${listed.length} lines ` +
          `name no picture in "${folder}" (first: "${absent[0]}"; found there: ` +
          `${summary(found)}): a line is the stem or the path of a picture`,
      );
    }
  }

  const patterns = (include ?? ["*"]).map(patternOf);
  const allowed = listed === null ? null : new Set(listed);
  const chosen = found.filter((stem) =>
    (allowed === null || allowed.has(stem)) &&
    patterns.some((pattern) => pattern.test(stem))
  );
  if (chosen.length === 0) {
    const wanted = [
      ...(include === null ? [] : [`"include" ${JSON.stringify(include)}`]),
      ...(list === null ? [] : [`"list" "${list}"`]),
    ].join(" and ");
    throw new RangeError(
      `Cannot use the data set: no picture in "${folder}" ` +
        `${wanted === "" ? "ends in .jpg, .jpeg or .png" : `fits ${wanted}`}: found ` +
        `${summary(found)}`,
    );
  }
  return chosen;
}

/** How many stems there are and what the first few look like. */
export function summary(found: readonly string[]): string {
  if (found.length === 0) return "no pictures";
  const some = found.slice(0, 3).map((stem) => `"${stem}"`).join(", ");
  return `${found.length} pictures, such as ${some}`;
}

// An editor's byte-order mark, blank lines and a missing last line end are no part of a list.
async function readList(
  list: string,
  root: string,
  nameOf: (line: string) => string,
): Promise<string[]> {
  const text = await readFile(list, "utf8")
    .catch(() => readFile(join(root, list), "utf8"))
    .catch(() => readOwn(list))
    .catch(async () => {
      const isFolder = await stat(list).then((info) => info.isDirectory(), () => false);
      const reason = isFolder
        ? "it is a folder"
        : isAbsolute(list)
        ? "there is no such file"
        : `there is no such file, nor "${join(root, list)}", nor a published split of ` +
          'this name, as "pascal/662/labeled" is one';
      throw new RangeError(
        `Cannot read the list "${list}": ${reason}: "list" is a text file with one stem ` +
          "per line",
      );
    });
  const stems = text.replace(/^\uFEFF/, "").split("\n")
    .map((line) => line.trim()).filter((line) => line !== "");
  const seen = new Set<string>();
  for (const line of stems) {
    assertInside(line, `the list "${list}"`);
    const stem = nameOf(line);
    if (seen.has(stem)) {
      throw new RangeError(
        `Cannot use the list "${list}": it names "${stem}" twice: remove one of the lines`,
      );
    }
    seen.add(stem);
  }
  if (seen.size === 0) {
    throw new RangeError(`Cannot use the list "${list}": it is empty: one stem per line`);
  }
  return [...seen];
}

// Also where this project was imported by its address: its files are fetched as it was.
async function readOwn(list: string): Promise<string> {
  assertInside(list, '"list"');
  const name = list.endsWith(".txt") ? list : `${list}.txt`;
  const url = new URL(`${SPLITS}${name}`, import.meta.url);
  if (url.protocol === "file:") return await readFile(fileURLToPath(url), "utf8");
  const answer = await fetch(url);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return text;
}

function patternOf(pattern: string): RegExp {
  const literal = pattern.split("*").map((part) =>
    part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")
  );
  return new RegExp(`^${literal.join(".*")}$`);
}
