/**
 * Writes named tensors as a file that `torch.load(path, weights_only=True)` opens.
 *
 * The file is a zip with an OrderedDict pickled by protocol 2; every storage begins at a
 * multiple of 64 bytes, as in PyTorch, for memory mapping.
 *
 * Source: `torch/serialization.py` of PyTorch.
 *
 * @module
 */
import {
  assertBytesMatchShape,
  concatBytes,
  type HostTensor,
  numel,
} from "../core/host_tensor.ts";
import { storedZipChunks } from "../formats/stored_zip.ts";
import { writeAtomic } from "../io/write_atomic.ts";
import { contiguousStrides } from "./contiguous.ts";
import { STORAGE_NAMES } from "./pickle_values.ts";

const utf8 = new TextEncoder();

/** Opcodes without binary arguments, one byte per character. */
const rawOpcodes = (codes: string): Uint8Array =>
  Uint8Array.from(codes, (character) => character.charCodeAt(0));

/** BINUNICODE */
function encodeText(value: string): Uint8Array {
  const bytes = utf8.encode(value);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length, true);
  return concatBytes([rawOpcodes("X"), length, bytes]);
}

/** BININT, or LONG1 for counts that need more than 31 bits. */
function encodeInteger(value: number): Uint8Array {
  const isSmall = value < 2 ** 31;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
  return isSmall
    ? concatBytes([rawOpcodes("J"), bytes.subarray(0, 4)])
    : concatBytes([rawOpcodes("\x8a\x08"), bytes]);
}

const encodeTuple = (values: readonly number[]): Uint8Array[] => [
  rawOpcodes("("),
  ...values.map(encodeInteger),
  rawOpcodes("t"),
];

/** `_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())` */
function encodeTensor(key: string, { dtype, shape }: HostTensor): Uint8Array[] {
  return [
    rawOpcodes("ctorch._utils\n_rebuild_tensor_v2\n(("),
    encodeText("storage"),
    rawOpcodes(`ctorch\n${STORAGE_NAMES[dtype]}\n`),
    encodeText(key),
    encodeText("cpu"),
    encodeInteger(numel(shape)),
    rawOpcodes("tQ"),
    encodeInteger(0),
    ...encodeTuple(shape),
    ...encodeTuple(contiguousStrides(shape)),
    rawOpcodes("\x89ccollections\nOrderedDict\n)RtR"),
  ];
}

function encodeStateDict(
  tensors: ReadonlyMap<string, HostTensor>,
): Uint8Array<ArrayBuffer> {
  return concatBytes([
    rawOpcodes("\x80\x02ccollections\nOrderedDict\n)R("),
    ...[...tensors].flatMap(([name, tensor], i) => [
      encodeText(name),
      ...encodeTensor(String(i), tensor),
    ]),
    rawOpcodes("u."),
  ]);
}

/**
 * Writes a state dict for PyTorch; an older file of that name stays until the new one is
 * complete.
 *
 * @param path The folder must exist.
 * @param tensors Written in their order. Files above 4 GiB are not supported.
 * @throws {RangeError} If a tensor's bytes do not match its shape, or the file would be
 * too large.
 * @throws {Error} As {@linkcode writeAtomic}.
 */
export async function writeTorchFile(
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
): Promise<void> {
  for (const [name, tensor] of tensors) assertBytesMatchShape(name, tensor);
  const entries = [
    { name: "archive/data.pkl", bytes: encodeStateDict(tensors) },
    { name: "archive/byteorder", bytes: utf8.encode("little") },
    ...[...tensors.values()].map(({ bytes }, i) => ({
      name: `archive/data/${i}`,
      bytes,
    })),
    { name: "archive/version", bytes: utf8.encode("3\n") },
  ];
  await writeAtomic(path, storedZipChunks(entries));
}
