/** Detects the format of a file by its first bytes, not by its extension. @module */

import { decodeLatin1 } from "../formats/latin1.ts";
import type { RandomAccessFile } from "../io/random_access_file.ts";

/** Bytes that identify a format. */
const SIGNATURE_BYTES = 32;

/** The formats that weights are read from. */
export type WeightsFileFormat = "safetensors" | "torch-zip" | "torch-legacy";

/** Other formats that are often mistaken for a checkpoint, by their first bytes. */
const UNSUPPORTED_SIGNATURES: readonly (readonly [string, string])[] = [
  ["version https://git-lfs", 'a pointer of Git LFS; fetch the file with "git lfs pull"'],
  ["<", "a web page; download the file itself"],
  ["{", "a JSON file; give the file with the weights that it is about"],
  ["\x1f\x8b", "a gzip archive; unpack it and give the file inside"],
  ["\x89HDF", "an HDF5 file of Keras; only PyTorch's files and safetensors are read"],
  ["\x93NUMPY", "a NumPy file; only PyTorch's files and safetensors are read"],
  ["\x08", "an ONNX file, as it begins; only PyTorch's files and safetensors are read"],
  ["GGUF", "a GGUF file; only PyTorch's files and safetensors are read"],
];

/** safetensors: the length of the header (8 bytes, little-endian), then JSON. */
const JSON_OFFSET = 8;

/** A file with a longer header has another format. */
const MAX_HEADER_BYTES = 2 ** 32;

/**
 * Detects the format of a file.
 *
 * @throws {SyntaxError} If it is no file of weights.
 */
export async function detectFormat(
  { size, read, reject }: RandomAccessFile,
): Promise<WeightsFileFormat> {
  if (size === 0) return reject("it is empty");
  const bytes = await read(0, Math.min(SIGNATURE_BYTES, size));
  const text = decodeLatin1(bytes);
  if (text.startsWith("PK\x03\x04")) return "torch-zip";
  if (text[JSON_OFFSET] === "{") {
    const headerLength = new DataView(bytes.buffer).getBigUint64(0, true);
    if (headerLength < MAX_HEADER_BYTES) return "safetensors";
  }
  if (text.startsWith("\x80")) return "torch-legacy";
  const [, description = "neither a PyTorch nor a safetensors file"] =
    UNSUPPORTED_SIGNATURES.find(([start]) => text.startsWith(start)) ?? [];
  return reject(`it is ${description}`);
}
