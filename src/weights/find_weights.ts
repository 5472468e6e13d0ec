/** Weights by path, by name or by address, as a file on this disk. @module */

import { download, type DownloadOptions } from "./download.ts";
import { webAddress } from "./file_name.ts";
import { WEIGHTS, weightsNamed } from "./registry.ts";

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Finds weights, and downloads them where that is needed.
 *
 * @param spec The path of a file, a name of the registry such as `mit-b5`, or an address
 * that begins with https:// or http://. A name wins over a path.
 * @param options `to` is the folder of downloads.
 * @returns The path of the file.
 * @throws {RangeError} If it is none of the three.
 * @throws {ManualDownloadError} If only a person can fetch it.
 * @throws {Error} If it cannot be had or written.
 */
export async function findWeights(
  spec: string,
  options: DownloadOptions = {},
): Promise<string> {
  if (webAddress(spec) !== null) return (await download({ url: spec }, options)).path;
  const isName = WEIGHTS.some(({ name }) => name === spec);
  if (!isName && (/[\\/.]/.test(spec) || await isFile(spec))) {
    if (await isFile(spec)) return spec;
    throw new RangeError(`Cannot find weights at "${spec}": there is no such file`);
  }
  return (await download(weightsNamed(spec), options)).path;
}
