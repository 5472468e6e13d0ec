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
