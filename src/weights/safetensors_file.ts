/** Safetensors files on disk; see `safetensors.ts`. @module */
import { fileReadError } from "../io/file_errors.ts";
import { readWholeFile } from "../io/read_whole_file.ts";
import {
  LENGTH_BYTES,
  METADATA_KEY,
  parseSafetensors,
  type SafetensorsFile,
} from "./safetensors.ts";
import * as z from "../core/zod.ts";

/**
 * Reads a safetensors file.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError} As {@linkcode parseSafetensors}.
 */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  const bytes = await readWholeFile(path).catch((error) => {
    throw fileReadError(path, error);
  });
  return parseSafetensors(bytes, path);
}

/**
 * The texts under `__metadata__` of a safetensors file, without its tensors.
 *
 * @returns Empty if there is no such file, or none that can be read.
 */
export async function readSafetensorsMetadata(
  path: string,
): Promise<Record<string, string>> {
  try {
    using file = await Deno.open(path);
    const read = async (bytes: number) => {
      const part = new Uint8Array(bytes);
      let done = 0;
      while (done < bytes) {
        const count = await file.read(part.subarray(done));
        if (count === null) break;
        done += count;
      }
      return part;
    };
    const { size } = await file.stat();
    const start = await read(Math.min(size, LENGTH_BYTES));
    if (start.length < LENGTH_BYTES) return {};
    const length = Number(new DataView(start.buffer).getBigUint64(0, true));
    if (length > size - LENGTH_BYTES) return {};
    const header = JSON.parse(new TextDecoder().decode(await read(length)));
    return z.record(z.string(), z.string()).safeParse(header?.[METADATA_KEY]).data ?? {};
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof Deno.errors.NotFound) return {};
    throw fileReadError(path, error);
  }
}
