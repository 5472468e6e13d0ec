/** Tensors outside of any device, as files hold them. @module */

/** Element types, by their safetensors names. */
export type DataType =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "I64"
  | "I32"
  | "I16"
  | "I8"
  | "U8"
  | "BOOL";

/** A named tensor's value: shape and raw little-endian bytes in row-major order. */
export interface HostTensor {
  /** Type of the elements. */
  readonly dtype: DataType;
  /** Sizes of the axes; empty for a scalar. */
  readonly shape: readonly number[];
  /** Little-endian elements, row by row. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Bytes per element. */
export const BYTES_PER_ELEMENT: Readonly<Record<DataType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** Elements of a tensor; beyond 2⁵³ only roughly. */
export const numel = (shape: readonly number[]): number =>
  shape.includes(0) ? 0 : shape.reduce((product, side) => product * side, 1);

/** Bytes of a tensor. */
export const byteLengthOf = (
  { dtype, shape }: Pick<HostTensor, "dtype" | "shape">,
): number => numel(shape) * BYTES_PER_ELEMENT[dtype];

/** A shape for a message, as `[2, 3]`. */
export const formatShape = (shape: readonly number[]): string => `[${shape.join(", ")}]`;

/**
 * Asserts that a tensor has the bytes that its shape and its type need.
 *
 * @throws {RangeError} If it has more or fewer.
 */
export function assertBytesMatchShape(name: string, tensor: HostTensor): void {
  const { dtype, shape, bytes } = tensor;
  const needed = byteLengthOf(tensor);
  if (needed === bytes.length) return;
  throw new RangeError(
    `Cannot write tensor "${name}" of shape ${
      formatShape(shape)
    } and dtype ${dtype}: it ` +
      `needs ${needed} bytes and has ${bytes.length}`,
  );
}

/** One run of memory with the bytes of several. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}
