/** Finds weights by path, name or address. @module */

import { statOrNull } from "../io/file_errors.ts";
import { parseHttpUrl } from "../io/http.ts";
import { download, type DownloadOptions } from "./download.ts";
import { findRegistryEntry, WEIGHTS } from "./registry.ts";

/**
 * Finds weights, and downloads them if necessary.
 *
 * @param spec The path of a file, a name of the registry such as `mit-b5`, or an address
 * that begins with https:// or http://. A name takes precedence over a path.
 * @param options `folder` is the folder of downloads.
 * @returns The path of the file.
 * @throws {RangeError} If it is none of the three.
 * @throws {ManualDownloadError} If only a person can download it.
 * @throws {Error} If it cannot be downloaded or written.
 */
export async function findWeights(
  spec: string,
  options: DownloadOptions = {},
): Promise<string> {
  if (parseHttpUrl(spec) !== null) return (await download({ url: spec }, options)).path;
  if (!WEIGHTS.some(({ name }) => name === spec)) {
    if ((await statOrNull(spec))?.isFile) return spec;
    if (/[\\/.]/.test(spec)) {
      throw new RangeError(`Cannot find weights at "${spec}": there is no such file`);
    }
  }
  return (await download(findRegistryEntry(spec), options)).path;
}
