/**
 * The safetensors format.
 *
 * A file has the length of the header (8 bytes, little-endian), the header (JSON: for
 * each name a dtype, a shape and a byte range; texts under `__metadata__`), and the bytes
 * of the tensors without gaps.
 *
 * Source: https://huggingface.co/docs/safetensors. A header cannot cause an allocation:
 * the tensors are views of the file's bytes.
 *
 * @module
 */
import {
  assertBytesMatchShape,
  byteLengthOf,
  BYTES_PER_ELEMENT,
  type DataType,
  formatShape,
  type HostTensor,
} from "../core/host_tensor.ts";
import * as z from "../core/zod.ts";
import type { Reject } from "../io/random_access_file.ts";

/** The contents of a file. */
export interface SafetensorsFile {
  /** In the order of their bytes. */
  readonly tensors: Map<string, HostTensor>;
  /** The texts under `__metadata__`. */
  readonly metadata: Record<string, string>;
}

/** Bytes of the header's length. */
export const LENGTH_BYTES = 8;
/** The key of the texts in the header. */
export const METADATA_KEY = "__metadata__";

const count = z.int().nonnegative();

const Entry = z.object({
  dtype: z.string(),
  shape: z.array(count),
  data_offsets: z.tuple([count, count]),
});

const isDataType = (dtype: string): dtype is DataType =>
  Object.hasOwn(BYTES_PER_ELEMENT, dtype);

function parseHeader(bytes: Uint8Array, reject: Reject): {
  header: Record<string, unknown>;
  dataStart: number;
} {
  if (bytes.length < LENGTH_BYTES) {
    reject(`it has ${bytes.length} bytes, fewer than any safetensors file`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getBigUint64(0, true);
  const room = bytes.length - LENGTH_BYTES;
  if (length > room) {
    reject(
      `it is cut off or no safetensors file: its header claims ${length} bytes and ` +
        `${room} follow`,
    );
  }
  const dataStart = LENGTH_BYTES + Number(length);
  const header = parseJson(bytes.subarray(LENGTH_BYTES, dataStart), reject);
  if (typeof header === "object" && header !== null && !Array.isArray(header)) {
    return { header: { ...header }, dataStart };
  }
  return reject("its header is not a JSON object");
}

/** The keys of all objects of a JSON value. */
const countKeys = (value: unknown): number =>
  typeof value !== "object" || value === null ? 0 : Object.values(value).reduce<number>(
    (sum, inner) => sum + countKeys(inner),
    Array.isArray(value) ? 0 : Object.keys(value).length,
  );

/** The colons of a JSON text outside of its strings: one per key that is written. */
function countColons(json: Uint8Array): number {
  const [quote, colon, backslash] = [0x22, 0x3a, 0x5c];
  let count = 0;
  let isInString = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (byte === quote) isInString = !isInString;
    else if (byte === backslash) i++; // what follows ends no string
    else if (byte === colon && !isInString) count++;
  }
  return count;
}

/**
 * Parses JSON as strictly as the reference library: texts are Unicode, a number that is
 * not written as a count is none (NaN), and no key is there twice.
 */
function parseJson(bytes: Uint8Array, reject: Reject): unknown {
  let isUnicode = true;
  const revive = (key: string, value: unknown, context?: { source?: string }) => {
    isUnicode &&= key.isWellFormed() &&
      (typeof value !== "string" || value.isWellFormed());
    const source = context?.source ?? String(value); // older browsers do not give it
    return typeof value === "number" && !/^\d+$/.test(source) ? NaN : value;
  };
  let value: unknown;
  let hasEveryKey: boolean;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text, revive);
    hasEveryKey = countColons(bytes) === countKeys(value);
  } catch (error) {
    if (error instanceof RangeError) return reject("its header nests too deep");
    if (error instanceof TypeError) return reject("its header is not UTF-8");
    if (error instanceof SyntaxError) return reject("its header is not a JSON object");
    throw error;
  }
  if (!isUnicode) reject("its header has a text that is not Unicode");
  if (!hasEveryKey) reject("its header has a name twice");
  return value;
}

function parseEntry(name: string, value: unknown, reject: Reject) {
  const { success, data } = Entry.safeParse(value);
  if (!success) {
    return reject(
      `the header's entry of "${name}" has no valid dtype, shape and offsets`,
    );
  }
  const { dtype, shape, data_offsets: [start, end] } = data;
  if (!isDataType(dtype)) {
    const known = Object.keys(BYTES_PER_ELEMENT).join(", ");
    return reject(`tensor "${name}" has the dtype ${dtype}: known are ${known}`);
  }
  const needed = byteLengthOf({ dtype, shape });
  if (needed !== end - start) {
    reject(
      `tensor "${name}" of shape ${formatShape(shape)} and dtype ${dtype} needs ` +
        `${needed} bytes and has the bytes ${start} to ${end}`,
    );
  }
  return { name, dtype, shape, start, end };
}

/** The bytes of one tensor, aligned for any typed array. */
function alignedBytes(bytes: Uint8Array<ArrayBuffer>, start: number, end: number) {
  const part = bytes.subarray(start, end);
  return part.byteOffset % 8 === 0 ? part : part.slice();
}

/**
 * Parses a safetensors file.
 *
 * @param bytes The whole file. Tensors that are aligned share its memory.
 * @param fileName For messages.
 * @returns Tensors whose bytes start at a multiple of 8 in their buffers.
 * @throws {SyntaxError} If the bytes are not a complete and consistent safetensors file.
 */
export function parseSafetensors(
  bytes: Uint8Array<ArrayBuffer>,
  fileName = "safetensors",
): SafetensorsFile {
  const reject: Reject = (reason) => {
    throw new SyntaxError(`Cannot read "${fileName}": ${reason}`);
  };
  const { header, dataStart } = parseHeader(bytes, reject);
  const { [METADATA_KEY]: rawMetadata, ...entries } = header;
  const metadata = z.record(z.string(), z.string()).safeParse(rawMetadata ?? {});
  if (!metadata.success) return reject(`its "${METADATA_KEY}" is not a table of texts`);

  const ranges = Object.entries(entries)
    .map(([name, value]) => parseEntry(name, value, reject))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  const available = bytes.length - dataStart;
  const tensors = new Map<string, HostTensor>();
  let position = 0;
  for (const { name, dtype, shape, start, end } of ranges) {
    if (start < position) reject(`tensor "${name}" overlaps another one`);
    if (start > position) reject(`no tensor owns the bytes ${position} to ${start}`);
    position = end;
    const part = alignedBytes(bytes, dataStart + start, dataStart + end);
    tensors.set(name, { dtype, shape, bytes: part });
  }
  if (position > available) {
    reject(
      `it is cut off: its tensors need ${position} bytes and ${available} are there`,
    );
  }
  if (position < available) {
    reject(`${available - position} bytes follow the last tensor`);
  }
  return { tensors, metadata: metadata.data };
}

/**
 * The chunks of a safetensors file, so that a large one is written without a second copy.
 *
 * As in the reference library, tensors are sorted by decreasing size of their elements,
 * then by name, and the header ends at a multiple of 8, so that every tensor is aligned.
 *
 * @throws {RangeError} If a tensor's bytes do not match its shape, or a name is reserved.
 */
export function safetensorsChunks(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const sorted = [...tensors].sort(([a, { dtype: x }], [b, { dtype: y }]) =>
    BYTES_PER_ELEMENT[y] - BYTES_PER_ELEMENT[x] || (a < b ? -1 : 1)
  );
  let position = 0;
  const entries = sorted.map(([name, tensor]) => {
    if (name === METADATA_KEY) {
      throw new RangeError(`Cannot write tensor "${name}": the name is reserved`);
    }
    assertBytesMatchShape(name, tensor);
    const { dtype, shape, bytes } = tensor;
    const start = position;
    position += bytes.length;
    return [name, { dtype, shape, data_offsets: [start, position] }];
  });
  const header = JSON.stringify({
    ...(Object.keys(metadata).length > 0 ? { [METADATA_KEY]: metadata } : {}),
    ...Object.fromEntries(entries),
  });
  const text = new TextEncoder().encode(header);
  const padded = new Uint8Array(LENGTH_BYTES + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - LENGTH_BYTES), true);
  padded.set(text, LENGTH_BYTES);
  return [padded, ...sorted.map(([, { bytes }]) => bytes)];
}
