/** Weights in other number formats, as float32 and int64. @module */

import { Buffer } from "node:buffer";
import {
  BYTES_PER_ELEMENT,
  type DataType,
  type HostTensor,
} from "../core/host_tensor.ts";

type Reader = (view: DataView, at: number) => number;

const FLOATS: Readonly<Partial<Record<DataType, Reader>>> = {
  F64: (view, at) => view.getFloat64(at, true),
  F32: (view, at) => view.getFloat32(at, true),
  F16: (view, at) => view.getFloat16(at, true),
  BF16: (view, at) => bfloat16(view.getUint16(at, true)),
};

const INTEGERS: Readonly<Partial<Record<DataType, Reader>>> = {
  I64: (view, at) => Number(view.getBigInt64(at, true)),
  I32: (view, at) => view.getInt32(at, true),
  I16: (view, at) => view.getInt16(at, true),
  I8: (view, at) => view.getInt8(at),
  U8: (view, at) => view.getUint8(at),
};

/** A bfloat16 is the upper half of a float32. */
const half = new DataView(new ArrayBuffer(4));
function bfloat16(bits: number): number {
  half.setUint32(0, bits << 16);
  return half.getFloat32(0);
}

/** Gives every element to `take`; it may be a hundred million of them. */
function forEachNumber(
  { dtype, bytes }: HostTensor,
  read: Reader,
  take: (value: number, index: number) => void,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const width = BYTES_PER_ELEMENT[dtype];
  for (let i = 0; i * width < bytes.length; i++) take(read(view, i * width), i);
}

/**
 * A tensor as float32. Float16 and bfloat16 keep their values; float64 is rounded to the
 * nearest, to the even one of two.
 *
 * @param name For messages.
 * @returns The same tensor where it is float32 already.
 * @throws {TypeError} If its elements are integers.
 * @throws {RangeError} If a float64 is too large.
 */
export function toFloat32(value: HostTensor, name: string): HostTensor {
  const { dtype, shape } = value;
  if (dtype === "F32") return value;
  const read = FLOATS[dtype];
  if (read === undefined) {
    throw new TypeError(
      `Cannot load "${name}": weights are floating-point numbers, this one is ${dtype}`,
    );
  }
  const result = new Float32Array(value.bytes.length / BYTES_PER_ELEMENT[dtype]);
  forEachNumber(value, read, (number, i) => {
    result[i] = number;
    if (Number.isFinite(number) && !Number.isFinite(result[i])) {
      throw new RangeError(`Cannot load "${name}": ${number} is too large for float32`);
    }
  });
  return { dtype: "F32", shape, bytes: new Uint8Array(result.buffer) };
}

/**
 * A tensor of whole numbers as int64; old files count batches in other integers.
 *
 * @returns The same tensor where it is int64 already, and where it has no whole numbers.
 */
export function toInt64(value: HostTensor): HostTensor {
  const read = { ...FLOATS, ...INTEGERS }[value.dtype];
  if (value.dtype === "I64" || read === undefined) return value;
  const numbers: number[] = [];
  forEachNumber(value, read, (number) => numbers.push(number));
  if (!numbers.every(Number.isSafeInteger)) return value;
  const bytes = new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer);
  return { dtype: "I64", shape: value.shape, bytes };
}

/** Whether two integer tensors of one shape are equal, in whatever integers they are. */
export function sameIntegers(a: HostTensor, b: HostTensor): boolean {
  const wideA = toInt64(a).bytes;
  const wideB = toInt64(b).bytes;
  const buffer = (bytes: Uint8Array<ArrayBuffer>) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer(wideA).equals(buffer(wideB));
}
