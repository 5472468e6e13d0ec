/** Weights in other number formats, as float32 and int64, and with the other sign. @module */

import { BYTES_PER_ELEMENT, type HostTensor } from "../core/host_tensor.ts";

/** The bytes of a tensor, aligned for elements of any size. */
const aligned = ({ bytes }: HostTensor): ArrayBuffer =>
  bytes.byteOffset === 0 && bytes.length === bytes.buffer.byteLength
    ? bytes.buffer
    : bytes.slice().buffer;

/** The elements of a tensor of floating-point numbers; null for other types. */
function floatsOf(value: HostTensor): Float64Array | Float32Array | Float16Array | null {
  switch (value.dtype) {
    case "F64":
      return new Float64Array(aligned(value));
    case "F32":
      return new Float32Array(aligned(value));
    case "F16":
      return new Float16Array(aligned(value));
    case "BF16": { // the upper half of a float32
      const bits = new Uint32Array(new Uint16Array(aligned(value)));
      return new Float32Array(bits.map((half) => half << 16).buffer);
    }
    default:
      return null;
  }
}

/** The elements of a tensor of integers; null for other types. */
function integersOf(value: HostTensor): ArrayLike<number> | null {
  switch (value.dtype) {
    case "I32":
      return new Int32Array(aligned(value));
    case "I16":
      return new Int16Array(aligned(value));
    case "I8":
      return new Int8Array(aligned(value));
    case "U8":
      return value.bytes;
    default:
      return null;
  }
}

/**
 * Converts a tensor to float32. Float16 and bfloat16 keep their values; float64 is
 * rounded to nearest, ties to even.
 *
 * @param name For messages.
 * @returns The same tensor if it is float32 already.
 * @throws {TypeError} If its elements are integers.
 * @throws {RangeError} If a float64 is too large.
 */
export function toFloat32(value: HostTensor, name: string): HostTensor {
  const { dtype, shape } = value;
  if (dtype === "F32") return value;
  const numbers = floatsOf(value);
  if (numbers === null) {
    throw new TypeError(
      `Cannot load "${name}": weights are floating-point numbers, this one is ${dtype}`,
    );
  }
  const result = new Float32Array(numbers);
  const overflow = result.findIndex((number, i) =>
    !Number.isFinite(number) && Number.isFinite(numbers[i])
  );
  if (overflow >= 0) {
    throw new RangeError(
      `Cannot load "${name}": ${numbers[overflow]} is too large for float32`,
    );
  }
  return { dtype: "F32", shape, bytes: new Uint8Array(result.buffer) };
}

/**
 * Converts a tensor of integers to int64; old files count batches in other types.
 *
 * @returns The same tensor if it is int64 already or has fractions.
 */
export function toInt64(value: HostTensor): HostTensor {
  if (value.dtype === "I64") return value;
  const numbers = Array.from(floatsOf(value) ?? integersOf(value) ?? [NaN]);
  if (!numbers.every(Number.isSafeInteger)) return value;
  const bytes = new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer);
  return { dtype: "I64", shape: value.shape, bytes };
}

/** Whether two integer tensors of one shape have equal values, of any integer types. */
export function integersEqual(a: HostTensor, b: HostTensor): boolean {
  const [left, right] = [toInt64(a).bytes, toInt64(b).bytes];
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

/** The first number of a tensor that is NaN or infinite; null: all are finite. */
export function findNonFinite(value: HostTensor): number | null {
  const numbers = floatsOf(value) ?? [];
  let zero = 0; // times 0, only what is not finite differs from it
  for (let i = 0; i < numbers.length; i++) zero += 0 * (numbers[i] ?? 0);
  if (zero === 0) return null;
  return Array.prototype.find.call(numbers, (number) => !Number.isFinite(number)) ?? null;
}

/** The elements of a tensor times −1; of integers modulo their range, as in PyTorch. */
export function negate({ dtype, shape, bytes }: HostTensor): HostTensor {
  const negated = bytes.slice();
  const width = BYTES_PER_ELEMENT[dtype];
  const isFloat = /F/.test(dtype);
  for (let start = 0; start < negated.length; start += width) {
    if (isFloat) {
      negated[start + width - 1] = (negated[start + width - 1] ?? 0) ^ 0x80; // the sign
      continue;
    }
    let carry = 1; // two's complement: all bits inverted, plus one
    for (let i = start; i < start + width; i++) {
      const sum = (~(negated[i] ?? 0) & 0xff) + carry;
      negated[i] = sum;
      carry = sum >> 8;
    }
  }
  return { dtype, shape, bytes: negated };
}
