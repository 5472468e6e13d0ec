/**
 * What the record of a run may have read where its checkpoint is evaluated. A checkpoint may
 * come from anybody: what it names is asked of no server, and no file outside the folder of
 * its lists and that of its data set is read as a list, unless the user names it, too.
 *
 * @module
 */
import { realpath } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { parsePlainYaml } from "../config/plain_yaml.ts";
import { bundledSplitPath, listPathsIn } from "../data/selection.ts";
import type { DataSpec } from "../data/data_spec.ts";
import { expandHome } from "../io/home_folder.ts";
import { isAddress } from "../io/http.ts";

/** The folder beside a checkpoint in which the lists of its run are. */
export const listFolderOf = (checkpoint: string): string =>
  join(dirname(checkpoint), "lists");

/**
 * A configuration from a record without the folder of lists that it names: that is beside
 * the checkpoint, or given.
 */
export function withoutListFolder(config: unknown): unknown {
  if (!isMapping(config) || !isMapping(config["data"])) return config;
  const { listFolder: _recorded, ...data } = config["data"];
  return { ...config, data };
}

/**
 * A data set as far as it may be read.
 *
 * @param checkpoint Whose record describes it.
 * @param overrides What the user has set.
 * @throws {RangeError} If it is at an address that the user did not name, or its list is not
 * beside the checkpoint.
 */
export async function confineToGiven(
  spec: DataSpec,
  checkpoint: string,
  overrides: readonly string[],
): Promise<DataSpec> {
  if (spec.kind === "embedded") return spec;
  const given = new Set(
    overrides.flatMap((text) => textsIn(valueOf(text)))
      .map((text) => /^~([\\/]|$)/.test(text) ? expandHome(text) : text),
  );
  const isGiven = (place: string) =>
    [...given].some((text) =>
      place === text || place.startsWith(`${text.replace(/\/+$/, "")}/`)
    );
  for (const place of [spec.root, spec.kind === "native" ? spec.sbd : null]) {
    if (!place || !isAddress(place) || isGiven(place)) continue;
    throw new RangeError(
      `Cannot read the data set: the checkpoint "${checkpoint}" names the address ` +
        `"${
          place.replace(/[?#].*/s, "")
        }", and what a file names is not asked: name it ` +
        "yourself, or a folder, with --set data.root=ADDRESS",
    );
  }
  const list = spec.list ?? null;
  if (list === null || given.has(list)) return spec;
  const folders = [listFolderOf(checkpoint), ...isGiven(spec.root) ? [spec.root] : []];
  for (const folder of folders) {
    for (const path of listPathsIn(folder, list)) {
      if (await isInside(path, folder)) return { ...spec, list: path };
    }
  }
  const bundled = await bundledSplitPath(list);
  if (bundled !== null) return { ...spec, list: bundled };
  throw new RangeError(
    `Cannot read the list "${list}" of the checkpoint "${checkpoint}": it is not in ` +
      `"${
        folders.join('", nor in "')
      }", and no other place is looked at for what a file ` +
      "names: name it yourself with --set data.evaluations.NAME.list=FILE",
  );
}

function valueOf(override: string): unknown {
  return parsePlainYaml(override.slice(override.indexOf("=") + 1));
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null
    ? Object.values(value).flatMap(textsIn)
    : [];
}

// Links are followed first: they, too, come with the checkpoint.
async function isInside(path: string, folder: string): Promise<boolean> {
  try {
    return (await realpath(path)).startsWith(`${await realpath(folder)}${sep}`);
  } catch {
    return false; // there is no such file, or it may not be looked up
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
