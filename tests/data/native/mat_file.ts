/** MAT files of level 5, written by hand: as MATLAB writes labels, and as it would not. @module */

import { Buffer } from "node:buffer";
import { deflateSync } from "node:zlib";

/** How a file differs from what MATLAB writes on today's machines. */
export interface MatOptions {
  readonly compressed?: boolean;
  readonly bigEndian?: boolean;
  /** The struct's name. */
  readonly variable?: string;
  /** The name of its matrix. */
  readonly field?: string;
  /** The matrix's class; 9 is uint8. */
  readonly kind?: number;
  /** Bytes of the matrix that are not there. */
  readonly lacking?: number;
}

const [INT8, UINT8, INT32, UINT32, DOUBLE, MATRIX, COMPRESSED] = [1, 2, 5, 6, 9, 14, 15];

/** Writes a label of SBD: a struct of boundaries, a segmentation and its categories. */
export function matOf(
  width: number,
  height: number,
  value: (row: number, column: number) => number,
  options: MatOptions = {},
): Uint8Array {
  const { compressed = true, bigEndian = false, variable = "GTcls" } = options;
  const { field = "Segmentation", kind = 9, lacking = 0 } = options;
  const word = (value: number) => {
    const bytes = Buffer.alloc(4);
    if (bigEndian) bytes.writeUInt32BE(value);
    else bytes.writeUInt32LE(value);
    return bytes;
  };
  const words = (values: readonly number[]) => Buffer.concat(values.map(word));
  const element = (type: number, body: Uint8Array, padded = true) => {
    // Up to four bytes are packed into the tag.
    if (body.length > 0 && body.length <= 4) {
      const short = Buffer.concat([word(body.length << 16 | type), body]);
      return Buffer.concat([short, Buffer.alloc(8 - short.length)]);
    }
    const rest = padded ? Buffer.alloc((8 - body.length % 8) % 8) : Buffer.alloc(0);
    return Buffer.concat([word(type), word(body.length), body, rest]);
  };
  const array = (
    kind: number,
    size: readonly number[],
    name: string,
    ...values: Uint8Array[]
  ) =>
    element(
      MATRIX,
      Buffer.concat([
        element(UINT32, words([kind, 1])),
        element(INT32, words(size)),
        element(INT8, Buffer.from(name, "latin1")),
        ...values,
      ]),
    );

  const columns = new Uint8Array(width * height - lacking);
  for (let i = 0; i < columns.length; i++) {
    columns[i] = value(i % height, Math.floor(i / height));
  }
  // A sparse matrix: rows of what is not zero, where columns begin, values.
  const sparse = array(
    5,
    [height, width],
    "",
    element(INT32, words([0])),
    element(INT32, words(Array.from({ length: width + 1 }, (_, i) => i === 0 ? 0 : 1))),
    element(DOUBLE, Buffer.alloc(8, 1)),
  );
  const names = ["Boundaries", field, "CategoriesPresent"];
  const struct = array(
    2,
    [1, 1],
    variable,
    element(INT32, word(32)),
    element(
      INT8,
      Buffer.concat(
        names.map((name) => Buffer.alloc(32).fill(name, 0, name.length, "latin1")),
      ),
    ),
    array(1, [2, 1], "", sparse, sparse),
    array(kind, [height, width], "", element(UINT8, columns)),
    array(9, [1, 1], "", element(UINT8, Uint8Array.of(15))),
  );
  const other = array(9, [1, 1], "before", element(UINT8, Uint8Array.of(1)));
  const pack = (bytes: Uint8Array) =>
    compressed ? element(COMPRESSED, deflateSync(bytes), false) : bytes;
  return new Uint8Array(Buffer.concat([header(bigEndian), pack(other), pack(struct)]));
}

/** A file that inflates to `bytes` zeros. */
export function inflatingMat(bytes: number): Uint8Array {
  const packed = deflateSync(Buffer.alloc(bytes));
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(COMPRESSED, 0);
  tag.writeUInt32LE(packed.length, 4);
  return new Uint8Array(Buffer.concat([header(false), tag, packed]));
}

function header(bigEndian: boolean): Uint8Array {
  const bytes = Buffer.alloc(128, " ");
  bytes.write("MATLAB 5.0 MAT-file");
  bytes.fill(0, 116, 124);
  bytes.set(bigEndian ? [1, 0] : [0, 1], 124);
  bytes.write(bigEndian ? "MI" : "IM", 126);
  return bytes;
}
