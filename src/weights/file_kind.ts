/** What a file is, by how it begins; extensions tell little. @module */

/** Bytes that tell what a file is. */
export const SIGNATURE_BYTES = 32;

/** The kinds of files that weights are read from. */
export type FileKind = "safetensors" | "torch-zip" | "torch-legacy";

/** What is often found under the name of a checkpoint, by how it begins. */
const STRANGERS: readonly (readonly [string, string])[] = [
  ["version https://git-lfs", 'a pointer of Git LFS; fetch the file with "git lfs pull"'],
  ["<", "a web page; download the file itself"],
  ["{", "a JSON file; give the file with the weights that it is about"],
  ["\x1f\x8b", "a gzip archive; unpack it and give the file inside"],
  ["\x89HDF", "an HDF5 file of Keras; only PyTorch's files and safetensors are read"],
  ["\x93NUMPY", "a NumPy file; only PyTorch's files and safetensors are read"],
  ["GGUF", "a GGUF file; only PyTorch's files and safetensors are read"],
];

/** Little-endian length of a header, then the header, which is JSON. */
const JSON_STARTS = 8;

/** A header of more bytes is a file of something else. */
const MOST_HEADER = 2 ** 32;

/**
 * Says what a file is.
 *
 * @param bytes Its first {@linkcode SIGNATURE_BYTES}, or all where it has fewer.
 * @returns Its kind, or why it is none as the end of a sentence.
 */
export function kindOf(
  bytes: Uint8Array,
): { readonly kind: FileKind } | { readonly reason: string } {
  if (bytes.length === 0) return { reason: "it is empty" };
  const text = String.fromCharCode(...bytes);
  if (text.startsWith("PK\x03\x04")) return { kind: "torch-zip" };
  if (text[JSON_STARTS] === "{" && headerLength(bytes) < MOST_HEADER) {
    return { kind: "safetensors" };
  }
  if (text.startsWith("\x80")) return { kind: "torch-legacy" };
  const [, stranger] = STRANGERS.find(([start]) => text.startsWith(start)) ?? [];
  return { reason: stranger ? `it is ${stranger}` : "it is no PyTorch file" };
}

function headerLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Number(view.getBigUint64(0, true));
}
