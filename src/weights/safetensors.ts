/**
 * Named tensors ↔ safetensors files.
 *
 * A file is the length of a header (8 bytes, little-endian), the header (JSON: for each
 * name a dtype, a shape and a byte range; text under `__metadata__`), and the bytes of
 * the tensors without gaps.
 *
 * Source: https://huggingface.co/docs/safetensors. Nothing is allocated because a header
 * says so: a tensor is a part of the file that was read.
 *
 * @module
 */
import { readError } from "../core/read_error.ts";
import {
  BYTES_PER_ELEMENT,
  type DataType,
  type HostTensor,
} from "../core/host_tensor.ts";
import { z } from "../core/zod.ts";

/** What a file holds. */
export interface SafetensorsFile {
  /** In the order of their bytes. */
  readonly tensors: Map<string, HostTensor>;
  /** The text under `__metadata__`. */
  readonly metadata: Record<string, string>;
}

const LENGTH_BYTES = 8;
const METADATA = "__metadata__";

const count = z.int().nonnegative();

const Entry = z.object({
  dtype: z.string(),
  shape: z.array(count),
  data_offsets: z.tuple([count, count]),
});

interface Range {
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

const isDataType = (dtype: string): dtype is DataType =>
  Object.hasOwn(BYTES_PER_ELEMENT, dtype);

function readHeader(bytes: Uint8Array, refuse: (reason: string) => never): {
  header: Record<string, unknown>;
  dataStart: number;
} {
  if (bytes.length < LENGTH_BYTES) {
    refuse(`it has ${bytes.length} bytes, fewer than any safetensors file`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getBigUint64(0, true);
  const room = bytes.length - LENGTH_BYTES;
  if (length > room) {
    refuse(
      `it is cut off or no safetensors file: its header claims ${length} bytes and ` +
        `${room} follow`,
    );
  }
  const dataStart = LENGTH_BYTES + Number(length);
  try {
    const text = new TextDecoder("utf-8", { fatal: true })
      .decode(bytes.subarray(LENGTH_BYTES, dataStart));
    const header: unknown = JSON.parse(text);
    if (typeof header === "object" && header !== null && !Array.isArray(header)) {
      return { header: { ...header }, dataStart };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  return refuse("its header is not a JSON object");
}

function readEntry(
  name: string,
  value: unknown,
  refuse: (reason: string) => never,
): Range {
  const { success, data } = Entry.safeParse(value);
  if (!success) {
    return refuse(
      `the header's entry of "${name}" has no valid dtype, shape and offsets`,
    );
  }
  const { dtype, shape, data_offsets: [start, end] } = data;
  if (!isDataType(dtype)) {
    const known = Object.keys(BYTES_PER_ELEMENT).join(", ");
    return refuse(`tensor "${name}" has the dtype ${dtype}: known are ${known}`);
  }
  const needed = shape.reduce(
    (product, side) => product * side,
    BYTES_PER_ELEMENT[dtype],
  );
  if (needed !== end - start) {
    refuse(
      `tensor "${name}" of shape [${shape.join(", ")}] and dtype ${dtype} needs ` +
        `${needed} bytes and has the bytes ${start} to ${end}`,
    );
  }
  return { name, dtype, shape, start, end };
}

/** Sorts ranges by position and asserts that they fill the data without gap or overlap. */
function inOrder(
  ranges: readonly Range[],
  dataLength: number,
  refuse: (reason: string) => never,
): Range[] {
  const sorted = [...ranges].sort((a, b) => a.start - b.start || a.end - b.end);
  let position = 0;
  for (const { name, start, end } of sorted) {
    if (start < position) refuse(`tensor "${name}" overlaps another one`);
    if (start > position) refuse(`no tensor owns the bytes ${position} to ${start}`);
    position = end;
  }
  if (position > dataLength) {
    refuse(
      `it is cut off: its tensors need ${position} bytes and ${dataLength} are there`,
    );
  }
  if (position < dataLength) {
    refuse(`${dataLength - position} bytes follow the last tensor`);
  }
  return sorted;
}

/** The bytes of one tensor, where a typed array may be laid over them. */
function bytesOf(bytes: Uint8Array<ArrayBuffer>, start: number, end: number) {
  const part = bytes.subarray(start, end);
  return part.byteOffset % 8 === 0 ? part : part.slice();
}

/**
 * Reads a safetensors file from memory.
 *
 * @param bytes The whole file. The tensors share its memory, where they are aligned.
 * @param fileName For messages.
 * @returns Tensors whose bytes start at a multiple of 8 in their buffers.
 * @throws {SyntaxError} If the bytes are not a safetensors file, whole and consistent.
 */
export function parseSafetensors(
  bytes: Uint8Array<ArrayBuffer>,
  fileName = "safetensors",
): SafetensorsFile {
  const refuse = (reason: string): never => {
    throw new SyntaxError(`Cannot read "${fileName}": ${reason}`);
  };
  const { header, dataStart } = readHeader(bytes, refuse);
  const { [METADATA]: rawMetadata = {}, ...entries } = header;
  const metadata = z.record(z.string(), z.string()).safeParse(rawMetadata);
  if (!metadata.success) return refuse(`its "${METADATA}" is not a table of texts`);

  const ranges = Object.entries(entries).map(([name, value]) =>
    readEntry(name, value, refuse)
  );
  const tensors = new Map<string, HostTensor>();
  for (
    const { name, dtype, shape, start, end } of inOrder(
      ranges,
      bytes.length - dataStart,
      refuse,
    )
  ) {
    const part = bytesOf(bytes, dataStart + start, dataStart + end);
    tensors.set(name, { dtype, shape, bytes: part });
  }
  return { tensors, metadata: metadata.data };
}

/**
 * Reads a safetensors file.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError} As {@linkcode parseSafetensors}.
 */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw readError(path, error);
    throw new Deno.errors.NotFound(`Cannot read "${path}": there is no such file`);
  }
  return parseSafetensors(bytes, path);
}

/**
 * The parts of a safetensors file, so that a large one is written without a second copy.
 *
 * Wide elements come first, then names in order, as the format's own library does it, and
 * the header ends at a multiple of 8: so every tensor is aligned to its elements.
 *
 * @throws {RangeError} If a tensor's bytes do not agree with its shape, or a name is
 * reserved.
 */
export function safetensorsChunks(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const sorted = [...tensors].sort(([a, { dtype: x }], [b, { dtype: y }]) =>
    BYTES_PER_ELEMENT[y] - BYTES_PER_ELEMENT[x] || (a < b ? -1 : 1)
  );
  let position = 0;
  const entries = sorted.map(([name, { dtype, shape, bytes }]) => {
    const needed = shape.reduce(
      (product, side) => product * side,
      BYTES_PER_ELEMENT[dtype],
    );
    if (needed !== bytes.length || name === METADATA) {
      throw new RangeError(
        `Cannot write tensor "${name}" of shape [${
          shape.join(", ")
        }] and dtype ${dtype}: ` +
          (name === METADATA
            ? "the name is reserved"
            : `it needs ${needed} bytes and has ${bytes.length}`),
      );
    }
    const start = position;
    position += bytes.length;
    return [name, { dtype, shape, data_offsets: [start, position] }];
  });
  const header = JSON.stringify({
    ...(Object.keys(metadata).length > 0 ? { [METADATA]: metadata } : {}),
    ...Object.fromEntries(entries),
  });
  const text = new TextEncoder().encode(header);
  const padded = new Uint8Array(LENGTH_BYTES + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - LENGTH_BYTES), true);
  padded.set(text, LENGTH_BYTES);
  return [padded, ...sorted.map(([, { bytes }]) => bytes)];
}

/**
 * Writes a safetensors file to memory.
 *
 * @throws {RangeError} As {@linkcode safetensorsChunks}.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const chunks = safetensorsChunks(tensors, metadata);
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}
