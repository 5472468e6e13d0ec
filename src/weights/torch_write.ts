/**
 * Named tensors → a file that `torch.load(path, weights_only=True)` opens.
 *
 * The zip format with an OrderedDict pickled by protocol 2; every storage begins at a
 * multiple of 64 bytes, as PyTorch lays it out for memory mapping.
 *
 * Source: `torch/serialization.py` of PyTorch.
 *
 * @module
 */
import { BYTES_PER_ELEMENT, type HostTensor } from "../core/host_tensor.ts";
import { rowStrides } from "./contiguous.ts";
import { STORAGE_NAMES } from "./torch_globals.ts";
import { elementsOf } from "./torch_values.ts";
import { writeAtomic } from "./write_atomic.ts";
import { zipChunks } from "./zip_write.ts";

const ascii = new TextEncoder();

/** An opcode and its argument. */
function operation(code: string, length = 0): [Uint8Array<ArrayBuffer>, DataView] {
  const bytes = new Uint8Array(1 + length);
  bytes[0] = code.charCodeAt(0);
  return [bytes, new DataView(bytes.buffer, 1)];
}

/** BINUNICODE */
function text(value: string): Uint8Array {
  const encoded = ascii.encode(value);
  const [bytes, view] = operation("X", 4 + encoded.length);
  view.setUint32(0, encoded.length, true);
  bytes.set(encoded, 5);
  return bytes;
}

/** BININT, or LONG1 for counts that need more than 31 bits. */
function count(value: number): Uint8Array {
  const small = value < 2 ** 31;
  const [bytes, view] = operation(small ? "J" : "\x8a", small ? 4 : 9);
  if (small) view.setInt32(0, value, true);
  else {
    view.setUint8(0, 8);
    view.setBigInt64(1, BigInt(value), true);
  }
  return bytes;
}

/** Opcodes without arguments other than lines; one byte per character. */
const raw = (codes: string): Uint8Array =>
  Uint8Array.from(codes, (character) => character.charCodeAt(0));

const tuple = (values: readonly number[]): Uint8Array[] => [
  raw("("),
  ...values.map(count),
  raw("t"),
];

/** `_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())` */
function pickledTensor(key: string, { dtype, shape }: HostTensor): Uint8Array[] {
  return [
    raw("ctorch._utils\n_rebuild_tensor_v2\n(("),
    text("storage"),
    raw(`ctorch\n${STORAGE_NAMES[dtype]}\n`),
    text(key),
    text("cpu"),
    count(elementsOf(shape)),
    raw("tQ"),
    count(0),
    ...tuple(shape),
    ...tuple(rowStrides(shape)),
    raw("\x89ccollections\nOrderedDict\n)RtR"),
  ];
}

function pickled(tensors: ReadonlyMap<string, HostTensor>): Uint8Array<ArrayBuffer> {
  const parts = [
    raw("\x80\x02ccollections\nOrderedDict\n)R("),
    ...[...tensors].flatMap(([name, tensor], i) => [
      text(name),
      ...pickledTensor(String(i), tensor),
    ]),
    raw("u."),
  ];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

/**
 * Writes a state dict for PyTorch; an older file of that name stays until the new one is
 * whole.
 *
 * @param path The folder must exist.
 * @param tensors Written in their order. Files above 4 GiB are not supported.
 * @throws {RangeError} If a tensor's bytes do not agree with its shape, or the file would
 * be too large.
 * @throws {Error} As {@linkcode writeAtomic}.
 */
export async function writeTorchFile(
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
): Promise<void> {
  for (const [name, { dtype, shape, bytes }] of tensors) {
    const needed = elementsOf(shape) * BYTES_PER_ELEMENT[dtype];
    if (needed === bytes.length) continue;
    throw new RangeError(
      `Cannot write tensor "${name}" of shape [${
        shape.join(", ")
      }] and dtype ${dtype}: ` +
        `it needs ${needed} bytes and has ${bytes.length}`,
    );
  }
  const entries = [
    { name: "archive/data.pkl", bytes: pickled(tensors) },
    { name: "archive/byteorder", bytes: ascii.encode("little") },
    ...[...tensors.values()].map(({ bytes }, i) => ({
      name: `archive/data/${i}`,
      bytes,
    })),
    { name: "archive/version", bytes: ascii.encode("3\n") },
  ];
  await writeAtomic(path, zipChunks(entries));
}
