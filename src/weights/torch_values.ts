/** What a PyTorch file's pickle is made of once it is read: data, never code. @module */

import { BYTES_PER_ELEMENT, type DataType } from "../core/host_tensor.ts";

/** Throws an error that names the file; the reason is the end of its sentence. */
export type Refuse = (reason: string) => never;

/** A run of elements in a file. */
export interface StorageReference {
  /** For {@linkcode PickleValue}. */
  readonly kind: "storage";
  /** The file's name for the record that holds the elements. */
  readonly key: string;
  /** Type of the elements. */
  readonly dtype: DataType;
  /** Elements of the whole record. */
  readonly recordElements: number;
  /** Where this storage begins in its record, in elements. */
  readonly start: number;
  /** Elements of this storage. */
  readonly elements: number;
}

/** A tensor before its elements are read. */
export interface TensorView {
  /** For {@linkcode PickleValue}. */
  readonly kind: "tensor";
  /** Where the elements are. */
  readonly storage: StorageReference;
  /** First element, counted from the storage's start. */
  readonly offset: number;
  /** Sizes of the axes. */
  readonly shape: readonly number[];
  /** Elements from one index to the next, per axis. */
  readonly strides: readonly number[];
}

/** A value that is known to be harmless and of no use here, as a numpy scalar. */
export interface OpaqueValue {
  /** For {@linkcode PickleValue}. */
  readonly kind: "opaque";
}

/** A name of Python that files of tensors may refer to. */
export interface AllowedGlobal {
  /** For {@linkcode PickleValue}. */
  readonly kind: "global";
  /** Module and name. */
  readonly name: string;
  /** The type of a storage's elements, where the name is that of a storage. */
  readonly dtype?: DataType;
  /** What a call gives, where it may be called. */
  readonly call?: (args: readonly PickleValue[], refuse: Refuse) => PickleValue;
}

/** Everything that a pickle may hold; lists, tuples and sets are arrays. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly PickleValue[]
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | StorageReference
  | TensorView
  | OpaqueValue
  | AllowedGlobal;

/** The one {@linkcode OpaqueValue}. */
export const OPAQUE: OpaqueValue = { kind: "opaque" };

/** Whether a value is a list, a tuple or a set. */
export const isSequence = (
  value: PickleValue | undefined,
): value is readonly PickleValue[] => Array.isArray(value);

/** Whether a value is a whole number from 0 to 2⁵³ − 1. */
export const isCount = (value: PickleValue | undefined): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** Whether a value is one of the objects above with a certain kind. */
export function isKind<K extends "storage" | "tensor" | "opaque" | "global">(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleValue, { kind: K }> {
  return typeof value === "object" && value !== null && "kind" in value &&
    value.kind === kind;
}

/** Elements of a tensor; beyond 2⁵³ only roughly. */
export const elementsOf = (shape: readonly number[]): number =>
  shape.includes(0) ? 0 : shape.reduce((product, side) => product * side, 1);

/** Bytes of a tensor once it is contiguous. */
export const bytesOfView = ({ shape, storage }: TensorView): number =>
  elementsOf(shape) * BYTES_PER_ELEMENT[storage.dtype];
