/**
 * Data sets in folders:
 *
 * ```text
 * ROOT/images/<split>/<stem>.jpg      or .jpeg, .png; folders below <split> are part of the stem
 * ROOT/labels/<split>/<stem>.png      8-bit class ids, grey or palette; 255 is ignored
 * ```
 *
 * @module
 */

import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ClassInfo } from "../core/host_batch.ts";
import { decodeImage } from "../core/image_codec.ts";
import type { DataSet, LabelMap } from "./data_set.ts";
import { decodeLabel, labelTable } from "./label_map.ts";
import { assertInside, select, type Selection } from "./selection.ts";

/** Describes a folder data set. */
export interface FolderSpec extends Selection {
  readonly kind: "folder";
  /** The folder that holds "images" and "labels". */
  readonly root: string;
  /** The folder below both. */
  readonly split: string;
  /** Index = class id. */
  readonly classes: readonly ClassInfo[];
  /** From file value to class id or 255; null or left out if values are class ids. */
  readonly labels?: Readonly<Record<string, number>> | null;
  /** Whether labels are needed; if not, they are neither looked for nor read. */
  readonly labelled: boolean;
}

/** What a picture's name may end in. */
const ENDINGS = /\.(jpe?g|png)$/i;

/**
 * Opens a folder data set.
 *
 * @throws {RangeError} If the folder is missing, no picture fits the selection, two
 *   pictures share a stem, or a label is missing.
 */
export async function openFolder(spec: FolderSpec): Promise<DataSet> {
  const { root, split, classes, labelled } = spec;
  assertInside(split, '"split"');
  const imageFolder = join(root, "images", split);
  const labelFolder = join(root, "labels", split);
  const table = labelTable(classes, spec.labels ?? null);

  const images = stems(await listFiles(root, "images", split), ENDINGS, imageFolder);
  const names = await select([...images.keys()].sort(), spec, imageFolder, root);
  const imagePath = (index: number) =>
    join(imageFolder, images.get(nameOf(index)) ?? nameOf(index));
  const labelPath = (index: number) => join(labelFolder, `${nameOf(index)}.png`);
  const nameOf = (index: number) => {
    const name = names[index];
    if (name !== undefined) return name;
    throw new RangeError(
      `Cannot read picture ${index} of "${imageFolder}": there are ${names.length}`,
    );
  };

  if (labelled) {
    const labels = new Set(await listFiles(root, "labels", split));
    const missing = names.filter((name) => !labels.has(`${name}.png`));
    if (missing.length > 0) {
      throw new RangeError(
        `Cannot use the data set "${root}": the label ` +
          `"${
            join(labelFolder, `${missing[0]}.png`)
          }" is missing (${missing.length} of ` +
          `${names.length} pictures have none): add it, or use this set as a target only`,
      );
    }
  }

  const readLabel = async (index: number): Promise<LabelMap> => {
    const file = labelPath(index);
    return decodeLabel(await bytesOf(file), file, table);
  };

  return {
    name: imageFolder,
    classes,
    names,
    labelled,
    folder: root,
    readLabel,

    async read(index) {
      const file = imagePath(index);
      const labelling = labelled ? readLabel(index) : null;
      // Where both are damaged, the image is the one to be named.
      labelling?.catch(() => {});
      const { width, height, data } = await decodeImage(await bytesOf(file), file);
      const label = await labelling;
      if (label !== null && (label.width !== width || label.height !== height)) {
        throw new RangeError(
          `Cannot pair "${file}" with "${labelPath(index)}": the image is ` +
            `${width}×${height} and the label ${label.width}×${label.height}: both must ` +
            `have the same size`,
        );
      }
      return {
        name: nameOf(index),
        width,
        height,
        image: data,
        label: label?.data ?? null,
      };
    },

    async fingerprint() {
      const hash = createHash("sha256");
      hash.update(JSON.stringify([classes.map(({ name }) => name), spec.labels ?? null]));
      for (const [index, name] of names.entries()) {
        const { size, mtimeMs } = await stat(labelPath(index));
        hash.update(`${name}\n${size} ${mtimeMs}\n`);
      }
      return hash.digest("hex");
    },
  };
}

// From stem to file name. A stem keeps the folders above it, with "/" on every system.
function stems(
  files: readonly string[],
  endings: RegExp,
  folder: string,
): Map<string, string> {
  const byStem = new Map<string, string>();
  for (const file of files) {
    // Hidden files, such as the "._name.jpg" that macOS leaves on other systems' disks.
    if (!endings.test(file) || /(^|\/)\./.test(file)) continue;
    const stem = file.replace(endings, "");
    const other = byStem.get(stem);
    if (other !== undefined) {
      throw new RangeError(
        `Cannot use the data set: "${folder}" holds both "${other}" and "${file}", which ` +
          `would share one label: remove or rename one`,
      );
    }
    byStem.set(stem, file);
  }
  return byStem;
}

// Every file below ROOT/<kind>/<split>, or an error that says how far the path exists.
async function listFiles(
  root: string,
  kind: "images" | "labels",
  split: string,
): Promise<string[]> {
  const folder = join(root, kind, split);
  try {
    return (await readdir(folder, { recursive: true }))
      .map((file) => file.replaceAll("\\", "/"));
  } catch (error) {
    const present = await readdir(join(root, kind)).catch(() => null);
    const siblings = await readdir(root).catch(() => null);
    const found = present !== null
      ? `"${join(root, kind)}" holds ${quoted(present)}: correct "split"`
      : siblings !== null
      ? `"${root}" holds ${quoted(siblings)}: it should hold "images" and "labels"`
      : `"${root}" cannot be read either: correct "data.root"`;
    const reason = isMissing(error) ? "there is no folder" : "cannot list the folder";
    throw new RangeError(`Cannot use the data set: ${reason} "${folder}": ${found}`);
  }
}

async function bytesOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const reason = isMissing(error)
      ? "there is no such file"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new Error(`Cannot read "${file}": ${reason}`, { cause: error });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function quoted(names: readonly string[]): string {
  if (names.length === 0) return "nothing";
  const some = names.toSorted().slice(0, 5).map((name) => `"${name}"`).join(", ");
  return names.length > 5 ? `${some} and ${names.length - 5} more` : some;
}
