/**
 * MAT files of level 5, of which one matrix of bytes in a struct is read. Everything else is
 * skipped.
 *
 * Source: The MathWorks, "MAT-File Format", chapter 1, "MAT-File Level 5 File Format".
 *
 * @module
 */

import { inflateSync } from "node:zlib";
import { decodeLatin1 } from "./latin1.ts";

/** A matrix of bytes, column by column. */
export interface Uint8Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Column by column, as in the file. [columns, rows] */
  readonly data: Uint8Array;
}

/** Bytes of the text, the version and the order of bytes. */
const HEADER_BYTES = 128;

/** Types of elements. */
const INT8_TYPE = 1;
const UINT8_TYPE = 2;
const INT32_TYPE = 5;
const UINT32_TYPE = 6;
const MATRIX_TYPE = 14;
const COMPRESSED_TYPE = 15;

/** Classes of arrays. */
const STRUCT_CLASS = 2;
const UINT8_CLASS = 9;

/** The flag of arrays of complex numbers, next to their class. */
const IS_COMPLEX = 0x0800;

/** The largest accepted array, in bytes: a small file may inflate without end. */
const MAX_ARRAY_BYTES = 1 << 26;

/** Bytes that are inflated into one buffer: about as many as a label of SBD has. */
const INFLATE_CHUNK_BYTES = 1 << 18;

/** The longest accepted list of sizes, in bytes. */
const MAX_INTEGER_BYTES = 256;

/** Elements that follow one another. */
interface ElementBytes {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
}

/** One element. */
interface Element {
  readonly type: number;
  readonly body: ElementBytes;
  /** Where the next one begins. */
  readonly next: number;
}

/** An array: its description, and the elements that hold its values. */
interface MatArray {
  readonly classCode: number;
  readonly isComplex: boolean;
  readonly dimensions: readonly number[];
  readonly name: string;
  readonly values: ElementBytes;
}

/**
 * Reads a field that is a matrix of bytes from a struct that is a variable.
 *
 * @param file The whole file.
 * @returns A view into the file, or into its inflated bytes.
 * @throws {Error} If it is no such file, is cut short or damaged, or has no such field; the
 * message is a part of a sentence.
 */
export function readMatByteMatrix(
  file: Uint8Array,
  variable: string,
  field: string,
): Uint8Matrix {
  const struct = findVariable(file, variable);
  if (struct === null) throw new Error(`it has no variable "${variable}"`);
  const name = `${variable}.${field}`;
  const array = findField(struct, field);
  if (array === null) throw new Error(`it has no "${name}"`);
  const { classCode, isComplex, dimensions, values } = array;
  const [rows = 0, columns = 0] = dimensions;
  if (classCode !== UINT8_CLASS || isComplex || dimensions.length !== 2) {
    throw new Error(`its "${name}" is no matrix of the class uint8`);
  }
  if (rows < 1 || columns < 1) throw new Error(`its "${name}" is empty`);
  const { type, body: { bytes } } = readElement(values, 0);
  if (type !== UINT8_TYPE || bytes.length !== rows * columns) {
    throw new Error(
      `its "${name}" has ${bytes.length} bytes instead of ${rows}×${columns}`,
    );
  }
  return { rows, columns, data: bytes };
}

function findVariable(file: Uint8Array, name: string): MatArray | null {
  const all = { bytes: file, littleEndian: detectLittleEndian(file) };
  for (let at = HEADER_BYTES; at < file.length;) {
    const element = readElement(all, at);
    const array = parseArray(
      element.type === COMPRESSED_TYPE ? inflateElement(element) : element,
    );
    if (array?.name === name) return array;
    at = element.next;
  }
  return null;
}

function detectLittleEndian(file: Uint8Array): boolean {
  const begins = (text: string) =>
    [...text].every((letter, i) => file[i] === letter.charCodeAt(0));
  if (begins("\x89HDF") || begins("MATLAB 7.3")) {
    throw new Error("it is a MAT file of version 7.3, which is HDF5");
  }
  if (file.length < HEADER_BYTES) {
    throw new Error(file.length === 0 ? "the file is empty" : "it is no MAT file");
  }
  const order = decodeLatin1(file.subarray(HEADER_BYTES - 2, HEADER_BYTES));
  const isLittle = order === "IM"; // "MI" as a number of 16 bits
  const version = new DataView(file.buffer, file.byteOffset).getUint16(124, isLittle);
  if ((order === "IM" || order === "MI") && version === 0x0100) return isLittle;
  throw new Error("it is no MAT file of level 5");
}

function readElement({ bytes, littleEndian }: ElementBytes, at: number): Element {
  if (at + 8 > bytes.length) throw truncatedError();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tag = view.getUint32(at, littleEndian);
  // Up to four bytes share the tag's eight.
  const short = tag >>> 16;
  const length = short === 0 ? view.getUint32(at + 4, littleEndian) : short;
  if (short > 4) throw new Error("it is damaged");
  const type = tag & 0xffff;
  const start = at + (short === 0 ? 8 : 4);
  const end = start + length;
  if (end > bytes.length) throw truncatedError();
  // Elements begin at multiples of eight bytes, but for what follows a compressed one.
  const next = short > 0
    ? at + 8
    : type === COMPRESSED_TYPE
    ? end
    : end + (8 - length % 8) % 8;
  return { type, body: { bytes: bytes.subarray(start, end), littleEndian }, next };
}

const truncatedError = () => new Error("it is cut short");

function inflateElement({ body: { bytes, littleEndian } }: Element): Element {
  let inflatedBytes: Uint8Array;
  try {
    inflatedBytes = inflateSync(bytes, {
      maxOutputLength: MAX_ARRAY_BYTES,
      chunkSize: INFLATE_CHUNK_BYTES,
    });
  } catch (error) {
    const isLarge = error instanceof RangeError;
    throw new Error(
      isLarge
        ? `a variable has more than ${MAX_ARRAY_BYTES} bytes`
        : "its compressed bytes are damaged",
      { cause: error },
    );
  }
  return readElement({ bytes: inflatedBytes, littleEndian }, 0);
}

// Null for an element that is no array, and for an empty array.
function parseArray({ type, body }: Element): MatArray | null {
  if (type !== MATRIX_TYPE || body.bytes.length === 0) return null;
  const flags = readElement(body, 0);
  const [word = 0] = readIntegers(flags, UINT32_TYPE);
  const size = readElement(body, flags.next);
  const name = readElement(body, size.next);
  return {
    classCode: word & 0xff,
    isComplex: (word & IS_COMPLEX) !== 0,
    dimensions: readIntegers(size, INT32_TYPE),
    name: readText(name),
    values: { ...body, bytes: body.bytes.subarray(name.next) },
  };
}

// A struct holds the length of its names, the names, and an array for each of them.
function findField(
  { classCode, dimensions, values }: MatArray,
  name: string,
): MatArray | null {
  if (classCode !== STRUCT_CLASS || dimensions.some((one) => one !== 1)) return null;
  const lengths = readElement(values, 0);
  const [length = 0] = readIntegers(lengths, INT32_TYPE);
  if (length < 1) throw new Error("it is damaged");
  const names = readElement(values, lengths.next);
  const text = readText(names);
  let at = names.next;
  for (let from = 0; from < text.length; from += length) {
    const element = readElement(values, at);
    const fieldName = text.slice(from, from + length).replace(/\0.*$/s, "");
    if (fieldName === name) return parseArray(element);
    at = element.next;
  }
  return null;
}

function readIntegers(
  { type, body: { bytes, littleEndian } }: Element,
  expectedType: number,
): number[] {
  if (
    type !== expectedType || bytes.length % 4 !== 0 || bytes.length > MAX_INTEGER_BYTES
  ) {
    throw new Error("it is damaged");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from(
    { length: bytes.length / 4 },
    (_, i) =>
      expectedType === INT32_TYPE
        ? view.getInt32(4 * i, littleEndian)
        : view.getUint32(4 * i, littleEndian),
  );
}

function readText({ type, body: { bytes } }: Element): string {
  if (type !== INT8_TYPE) throw new Error("it is damaged");
  return decodeLatin1(bytes);
}
