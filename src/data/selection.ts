/** Which of the images in a folder belong to a data set. @module */

import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorReason, isMissingPath } from "../io/file_errors.ts";
import type { SampleSelection } from "./data_spec.ts";
import { isRelativePath } from "./source/file_source.ts";

/** The published splits, beside the configurations of this project. */
const BUNDLED_SPLITS = "../../configs/splits/";

/**
 * Asserts that a path stays below the folder it is joined to.
 *
 * @param path The path, from a config, a list or a checkpoint.
 * @param where Where it stands, for the message.
 * @throws {RangeError} If it is absolute or climbs with "..".
 */
export function assertRelativePath(path: string, where: string): void {
  if (isRelativePath(path)) return;
  throw new RangeError(
    `Cannot use ${where}: "${path}" leads out of the data set's folder: give a path ` +
      `below it, without "..", "/" or a drive in front`,
  );
}

/**
 * Chooses stems.
 *
 * @param found The stems in the folder, sorted.
 * @param folder The folder, for messages.
 * @param root The data set's folder, in which a list may lie.
 * @param nameOf The stem that a line of a list means.
 * @returns The chosen stems, sorted.
 * @throws {RangeError} If nothing is left, or a listed stem is absent, repeated or leads out.
 */
export async function selectStems(
  found: readonly string[],
  selection: SampleSelection,
  folder: string,
  root: string,
  nameOf: (line: string) => string = (line) => line,
): Promise<string[]> {
  const include = selection.include ?? null;
  const list = selection.list ?? null;
  const listed = list === null
    ? null
    : parseList(list, await readList(selection, root), nameOf);

  if (listed !== null) {
    const present = new Set(found);
    const absent = listed.filter((stem) => !present.has(stem));
    if (absent.length > 0) {
      throw new RangeError(
        `Cannot use the list "${list}": ${absent.length} of its ${listed.length} lines ` +
          `name no image in "${folder}" (first: "${absent[0]}"; found there: ` +
          `${describeStems(found)}): each line is the stem or the path of an image`,
      );
    }
  }

  const patterns = (include ?? ["*"]).map(compileGlob);
  const listedSet = listed === null ? null : new Set(listed);
  const chosen = found.filter((stem) =>
    (listedSet === null || listedSet.has(stem)) &&
    patterns.some((pattern) => pattern.test(stem))
  );
  if (chosen.length === 0) {
    const criteria = [
      ...(include === null ? [] : [`"include" ${JSON.stringify(include)}`]),
      ...(list === null ? [] : [`"list" "${list}"`]),
    ].join(" and ");
    throw new RangeError(
      `Cannot use the data set: no image in "${folder}" ` +
        `${
          criteria === "" ? "ends in .jpg, .jpeg or .png" : `fits ${criteria}`
        }: found ` +
        `${describeStems(found)}`,
    );
  }
  return chosen;
}

/** How many stems there are and the first of them. */
function describeStems(found: readonly string[]): string {
  if (found.length === 0) return "no images";
  const examples = found.slice(0, 3).map((stem) => `"${stem}"`).join(", ");
  return `${found.length} images, such as ${examples}`;
}

// An editor's byte-order mark, blank lines and a missing last line end are no part of a list.
function parseList(
  list: string,
  text: string,
  nameOf: (line: string) => string,
): string[] {
  const lines = text.replace(/^\uFEFF/, "").split("\n")
    .map((line) => line.trim()).filter((line) => line !== "");
  const stems = new Set<string>();
  for (const line of lines) {
    assertRelativePath(line, `the list "${list}"`);
    const stem = nameOf(line);
    if (stems.has(stem)) {
      throw new RangeError(
        `Cannot use the list "${list}": it names "${stem}" twice: remove one of the lines`,
      );
    }
    stems.add(stem);
  }
  if (stems.size === 0) {
    throw new RangeError(`Cannot use the list "${list}": it is empty: one stem per line`);
  }
  return [...stems];
}

/**
 * Where the copy of a list lies in a run's folder of lists: at its path from there. One
 * whose path leads elsewhere has a folder of its own, named by a hash of that path, so that
 * lists of one name do not meet.
 */
export function listCopyPath(folder: string, list: string): string {
  if (isRelativePath(list)) return join(folder, list);
  const hash = createHash("sha256").update(list).digest("hex").slice(0, 8);
  return join(folder, hash, basename(list));
}

/**
 * Where a list may lie in a folder of lists: at its path from there, where its copy lies, or
 * under its own name.
 */
export const listPathsIn = (folder: string, list: string): string[] =>
  isRelativePath(list)
    ? [join(folder, list)]
    : [join(folder, list), listCopyPath(folder, list), join(folder, basename(list))];

/**
 * Reads the list of a selection: from its path as it is given, else from `listFolder`, from
 * the data set's folder, or from the published splits of this project.
 *
 * @param root The data set's folder.
 * @returns The text of the list.
 * @throws {RangeError} If there is no such list, or it cannot be read.
 */
export async function readList(
  { list, listFolder }: SampleSelection,
  root: string,
): Promise<string> {
  const name = list ?? "";
  const fail = (reason: string, cause?: unknown) =>
    new RangeError(
      `Cannot read the list "${name}": ${reason}: "list" is a text file with one stem ` +
        "per line",
      { cause },
    );
  const elsewhere = [
    ...(listFolder ? listPathsIn(listFolder, name) : []),
    ...(isAbsolute(name) ? [] : [join(root, name)]),
  ];
  const others = [...new Set(elsewhere)].filter((path) => path !== name);
  const places = [name, ...others].map((path) => () => readFile(path, "utf8"));
  if (isRelativePath(name)) places.push(() => readBundledSplit(name));
  let failure: RangeError | null = null;
  for (const read of places) {
    try {
      return await read();
    } catch (error) {
      if (isMissingPath(error)) continue;
      const isFolder = error instanceof Error && "code" in error &&
        error.code === "EISDIR";
      failure ??= fail(isFolder ? "it is a folder" : errorReason(error), error);
      // A place that is no list, or closed to this program, does not hide the next one.
      if (!isFolder && !(error instanceof Deno.errors.NotCapable)) break;
    }
  }
  const alternatives = others.map((path) => `, nor "${path}"`).join("");
  const published = isRelativePath(name)
    ? ', nor a published split of this name, such as "pascal/662/labeled"'
    : "";
  throw failure ?? fail(`there is no such file${alternatives}${published}`);
}

/** Where the list of a published split is; null: there is none of this name on this disk. */
export async function bundledSplitPath(list: string): Promise<string | null> {
  const name = list.endsWith(".txt") ? list : `${list}.txt`;
  const url = new URL(`${BUNDLED_SPLITS}${name}`, import.meta.url);
  if (!isRelativePath(list) || url.protocol !== "file:") return null;
  const path = fileURLToPath(url);
  return await stat(path).then(() => path, () => null);
}

// Also where this project was imported by its address: its files are fetched as it was.
async function readBundledSplit(list: string): Promise<string> {
  const name = list.endsWith(".txt") ? list : `${list}.txt`;
  const url = new URL(`${BUNDLED_SPLITS}${name}`, import.meta.url);
  if (url.protocol === "file:") return await readFile(fileURLToPath(url), "utf8");
  const response = await fetch(url);
  const text = await response.text();
  if (response.status === 404) throw new Deno.errors.NotFound(url.href);
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  return text;
}

/**
 * A pattern in which * stands for any text. Each part is looked for once, behind the one
 * before it, so that no pattern takes long, whoever wrote it.
 */
export function compileGlob(pattern: string): { test(text: string): boolean } {
  const [first = "", ...parts] = pattern.split("*");
  const last = parts.pop();
  if (last === undefined) return { test: (text) => text === pattern };
  return {
    test(text) {
      const end = text.length - last.length;
      if (!text.startsWith(first) || !text.endsWith(last)) return false;
      let at = first.length;
      for (const part of parts) {
        const found = text.indexOf(part, at);
        if (found < 0) return false;
        at = found + part.length;
      }
      return at <= end;
    },
  };
}
