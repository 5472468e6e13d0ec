/** Which of the images in a folder belong to a data set. @module */

import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorReason, isMissingPath } from "../io/file_errors.ts";
import { readWholeFile } from "../io/read_whole_file.ts";
import type { SampleSelection } from "./data_spec.ts";
import {
  chooseListed,
  type ChosenImages,
  decodeListText,
  describeNames,
  type ListedImages,
} from "./image_list.ts";
import { isRelativePath } from "./source/file_source.ts";
import { openSource } from "./source/open_source.ts";

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
 * Chooses images.
 *
 * @param images Those of the folder, their names sorted.
 * @returns The chosen names, sorted, and what a user should know about the list.
 * @throws {RangeError} If nothing is left, or a listed image is absent, repeated or leads out.
 */
export async function selectImages(
  images: ListedImages,
  selection: SampleSelection,
): Promise<ChosenImages> {
  const include = selection.include ?? null;
  const list = selection.list ?? null;
  const listed = list === null
    ? null
    : chooseListed(list, await readList(selection, images.root), images);

  const patterns = (include ?? ["*"]).map((one) => compileGlob(one.normalize("NFC")));
  const listedSet = listed === null ? null : new Set(listed.names);
  const found = [...images.paths.keys()];
  const names = found.filter((name) =>
    (listedSet === null || listedSet.has(name)) &&
    patterns.some((pattern) => pattern.test(name.normalize("NFC")))
  );
  if (names.length === 0) {
    const criteria = [
      ...(include === null ? [] : [`"include" ${JSON.stringify(include)}`]),
      ...(list === null ? [] : [`"list" "${list}"`]),
    ].join(" and ");
    const { folder, leftOut } = images;
    throw new RangeError(
      `Cannot use the data set: no image in "${folder}" ` +
        `${
          criteria === ""
            ? "ends in .jpg, .jpeg, .png, .tif or .tiff"
            : `fits ${criteria}`
        }: found ${describeNames(found)}${leftOut === null ? "" : `, and ${leftOut}`}`,
    );
  }
  return { names, notes: listed?.notes ?? [] };
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
 * the data set's folder, from the published splits of this project, or from the archives of the
 * data set.
 *
 * @param root The data set's folder or archive.
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
  const places = [name, ...others].map((path) => async () =>
    decodeListText(await readWholeFile(path))
  );
  if (isRelativePath(name)) {
    places.push(() => readBundledSplit(name), () => readPackedList(name, root));
  }
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

// From the archive that the data set is, or from those that its folder holds.
async function readPackedList(list: string, root: string): Promise<string> {
  const { source } = await openSource({ root });
  const path = list.replaceAll("\\", "/");
  const folder = path.includes("/") ? dirname(path) : "";
  // What cannot be listed was looked at before: in the folder, or as the data set.
  const files = await source.list(folder).catch(() => null);
  if (!files?.includes(basename(path))) throw new Deno.errors.NotFound(list);
  return decodeListText(await source.read(path));
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
