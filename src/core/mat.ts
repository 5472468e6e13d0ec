/**
 * MAT files of level 5, as far as a struct with a matrix of bytes in it goes. What is in
 * the way is stepped over unread.
 *
 * Source: The MathWorks, "MAT-File Format", chapter 1, "MAT-File Level 5 File Format".
 *
 * @module
 */

import { inflateSync } from "node:zlib";

/** A matrix of bytes, column by column. */
export interface ByteMatrix {
  readonly rows: number;
  readonly columns: number;
  /** As the file has them: those of the first column first. [columns, rows] */
  readonly data: Uint8Array;
}

/** Bytes of the text, the version and the order of bytes. */
const HEADER = 128;

/** Types of elements. */
const INT8 = 1;
const UINT8 = 2;
const INT32 = 5;
const UINT32 = 6;
const MATRIX = 14;
const COMPRESSED = 15;

/** Classes of arrays. */
const STRUCT = 2;
const UINT8_CLASS = 9;

/** Arrays of complex numbers have this flag beside their class. */
const IS_COMPLEX = 0x0800;

/** A small file may inflate without end: no array of more bytes than this is believed. */
const MOST_BYTES = 1 << 26;

/** Bytes that are inflated into one buffer: about as many as a label of SBD has. */
const CHUNK = 1 << 18;

/** Bytes of the longest list of sizes that is believed. */
const MOST_INTEGERS = 256;

/** Elements that follow one another. */
interface Elements {
  readonly bytes: Uint8Array;
  readonly isLittle: boolean;
}

/** One of them. */
interface Element {
  readonly type: number;
  readonly body: Elements;
  /** Where the next one begins. */
  readonly next: number;
}

/** An array: what is known of it, and the elements that hold its values. */
interface MatArray {
  readonly kind: number;
  readonly isComplex: boolean;
  readonly size: readonly number[];
  readonly name: string;
  readonly values: Elements;
}

/**
 * Reads a field that is a matrix of bytes from a struct that is a variable.
 *
 * @param file The whole file.
 * @returns A view into the file, or into what was inflated of it.
 * @throws {Error} If it is no such file, is cut short or damaged, or has no such field; the
 * message is a part of a sentence.
 */
export function readMatBytes(
  file: Uint8Array,
  variable: string,
  field: string,
): ByteMatrix {
  const struct = findVariable(file, variable);
  if (struct === null) throw new Error(`it has no variable "${variable}"`);
  const name = `${variable}.${field}`;
  const array = fieldOf(struct, field);
  if (array === null) throw new Error(`it has no "${name}"`);
  const { kind, isComplex, size, values } = array;
  const [rows = 0, columns = 0] = size;
  if (kind !== UINT8_CLASS || isComplex || size.length !== 2) {
    throw new Error(`its "${name}" is no matrix of the class uint8`);
  }
  if (rows < 1 || columns < 1) throw new Error(`its "${name}" is empty`);
  const { type, body: { bytes } } = elementAt(values, 0);
  if (type !== UINT8 || bytes.length !== rows * columns) {
    throw new Error(
      `its "${name}" has ${bytes.length} bytes instead of ${rows}×${columns}`,
    );
  }
  return { rows, columns, data: bytes };
}

function findVariable(file: Uint8Array, name: string): MatArray | null {
  const all = { bytes: file, isLittle: isLittleEndian(file) };
  for (let at = HEADER; at < file.length;) {
    const element = elementAt(all, at);
    const array = arrayOf(element.type === COMPRESSED ? inflated(element) : element);
    if (array?.name === name) return array;
    at = element.next;
  }
  return null;
}

function isLittleEndian(file: Uint8Array): boolean {
  const begins = (text: string) =>
    [...text].every((letter, i) => file[i] === letter.charCodeAt(0));
  if (begins("\x89HDF") || begins("MATLAB 7.3")) {
    throw new Error("it is a MAT file of version 7.3, which is HDF5");
  }
  if (file.length < HEADER) {
    throw new Error(file.length === 0 ? "the file is empty" : "it is no MAT file");
  }
  const order = String.fromCharCode(...file.subarray(HEADER - 2, HEADER));
  const isLittle = order === "IM"; // "MI" as a number of 16 bits
  const version = new DataView(file.buffer, file.byteOffset).getUint16(124, isLittle);
  if ((order === "IM" || order === "MI") && version === 0x0100) return isLittle;
  throw new Error("it is no MAT file of level 5");
}

function elementAt({ bytes, isLittle }: Elements, at: number): Element {
  if (at + 8 > bytes.length) throw cutShort();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tag = view.getUint32(at, isLittle);
  // Up to four bytes share the tag's eight.
  const short = tag >>> 16;
  const length = short === 0 ? view.getUint32(at + 4, isLittle) : short;
  if (short > 4) throw new Error("it is damaged");
  const type = tag & 0xffff;
  const start = at + (short === 0 ? 8 : 4);
  const end = start + length;
  if (end > bytes.length) throw cutShort();
  // Elements begin at multiples of eight bytes, but for what follows a compressed one.
  const next = short > 0
    ? at + 8
    : type === COMPRESSED
    ? end
    : end + (8 - length % 8) % 8;
  return { type, body: { bytes: bytes.subarray(start, end), isLittle }, next };
}

const cutShort = () => new Error("it is cut short");

function inflated({ body: { bytes, isLittle } }: Element): Element {
  let whole: Uint8Array;
  try {
    whole = inflateSync(bytes, { maxOutputLength: MOST_BYTES, chunkSize: CHUNK });
  } catch (error) {
    const isLarge = error instanceof RangeError;
    throw new Error(
      isLarge
        ? `a variable has more than ${MOST_BYTES} bytes`
        : "its compressed bytes are damaged",
      { cause: error },
    );
  }
  return elementAt({ bytes: whole, isLittle }, 0);
}

// Null for what is no array, or for one with nothing in it.
function arrayOf({ type, body }: Element): MatArray | null {
  if (type !== MATRIX || body.bytes.length === 0) return null;
  const flags = elementAt(body, 0);
  const [word = 0] = integers(flags, UINT32);
  const size = elementAt(body, flags.next);
  const name = elementAt(body, size.next);
  return {
    kind: word & 0xff,
    isComplex: (word & IS_COMPLEX) !== 0,
    size: integers(size, INT32),
    name: textOf(name),
    values: { ...body, bytes: body.bytes.subarray(name.next) },
  };
}

// A struct has the length of its names, its names, and an array for each of them.
function fieldOf({ kind, size, values }: MatArray, name: string): MatArray | null {
  if (kind !== STRUCT || size.some((one) => one !== 1)) return null;
  const lengths = elementAt(values, 0);
  const [length = 0] = integers(lengths, INT32);
  if (length < 1) throw new Error("it is damaged");
  const names = elementAt(values, lengths.next);
  const text = textOf(names);
  let at = names.next;
  for (let from = 0; from < text.length; from += length) {
    const element = elementAt(values, at);
    const own = text.slice(from, from + length).replace(/\0.*$/s, "");
    if (own === name) return arrayOf(element);
    at = element.next;
  }
  return null;
}

function integers(
  { type, body: { bytes, isLittle } }: Element,
  wanted: number,
): number[] {
  if (type !== wanted || bytes.length % 4 !== 0 || bytes.length > MOST_INTEGERS) {
    throw new Error("it is damaged");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from(
    { length: bytes.length / 4 },
    (_, i) =>
      wanted === INT32 ? view.getInt32(4 * i, isLittle) : view.getUint32(4 * i, isLittle),
  );
}

function textOf({ type, body: { bytes } }: Element): string {
  if (type !== INT8) throw new Error("it is damaged");
  return new TextDecoder("latin1").decode(bytes);
}
