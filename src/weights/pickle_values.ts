/**
 * The values of a PyTorch file's pickle, which are data and never code, and the globals
 * of Python that a file of tensors needs. A file with any other global is refused:
 * nothing is imported or executed.
 *
 * Source: PyTorch's own list, `torch/_weights_only_unpickler.py`.
 *
 * @module
 */
import { type DataType, formatShape } from "../core/host_tensor.ts";
import type { Reject } from "../io/random_access_file.ts";
import { elementSpan, type StridedLayout } from "./contiguous.ts";

/** A storage: consecutive elements in a file. */
export interface StorageRef {
  readonly kind: "storage";
  /** The file's name of the record that has the elements. */
  readonly key: string;
  /** Type of the elements. */
  readonly dtype: DataType;
  /** Elements of the whole record. */
  readonly recordNumel: number;
  /** Where this storage begins in its record, in elements. */
  readonly recordOffset: number;
  /** Elements of this storage. */
  readonly numel: number;
}

/** A tensor before its elements are read. */
export interface TensorView extends StridedLayout {
  readonly kind: "tensor";
  /** Where the elements are. */
  readonly storage: StorageRef;
  /** First element, counted from the storage's start. */
  readonly storageOffset: number;
}

/** A harmless value that is not needed, as a NumPy scalar. */
export interface OpaqueValue {
  readonly kind: "opaque";
}

type Call = (args: readonly PickleValue[], reject: Reject) => PickleValue;

/** A global of Python that files of tensors may refer to. */
export interface AllowedGlobal {
  readonly kind: "global";
  /** Module and name. */
  readonly name: string;
  /** The type of the elements, if it is a class of storages. */
  readonly dtype?: DataType;
  /** The result of a call, if it may be called. */
  readonly call?: Call;
}

/** Any value of a pickle; lists, tuples and sets are arrays. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly PickleValue[]
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | StorageRef
  | TensorView
  | OpaqueValue
  | AllowedGlobal;

/** The one {@linkcode OpaqueValue}. */
const OPAQUE: OpaqueValue = { kind: "opaque" };

/** Whether a value is a list, a tuple or a set. */
export const isSequence = (
  value: PickleValue | undefined,
): value is readonly PickleValue[] => Array.isArray(value);

/** Whether a value is a whole number from 0 to 2⁵³ − 1. */
const isNonNegativeInteger = (value: PickleValue | undefined): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** Whether a value is one of the objects above, by its kind. */
export function isKind<K extends "storage" | "tensor" | "opaque" | "global">(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleValue, { kind: K }> {
  return typeof value === "object" && value !== null && "kind" in value &&
    value.kind === kind;
}

/** The classes of storages by the type of their elements. */
export const STORAGE_NAMES: Readonly<Record<DataType, string>> = {
  F64: "DoubleStorage",
  F32: "FloatStorage",
  F16: "HalfStorage",
  BF16: "BFloat16Storage",
  I64: "LongStorage",
  I32: "IntStorage",
  I16: "ShortStorage",
  I8: "CharStorage",
  U8: "ByteStorage",
  BOOL: "BoolStorage",
};

/** The most axes of a tensor, as in PyTorch. */
const MAX_AXES = 64;

function parseCounts(
  value: PickleValue | undefined,
  what: string,
  reject: Reject,
): number[] {
  const items: readonly PickleValue[] = isSequence(value) ? value : [null];
  const sizes = items.slice(0, MAX_AXES).filter(isNonNegativeInteger);
  return sizes.length === items.length
    ? sizes
    : reject(`a tensor's ${what} is not a list of at most ${MAX_AXES} counts`);
}

/** `_rebuild_tensor_v2(storage, offset, size, stride, …)`. */
function rebuildTensor(args: readonly PickleValue[], reject: Reject): TensorView {
  const [storage, storageOffset] = args;
  if (!isKind(storage, "storage")) return reject("a tensor has no storage");
  if (!isNonNegativeInteger(storageOffset)) {
    return reject("a tensor's offset is not a count");
  }
  const shape = parseCounts(args[2], "shape", reject);
  const strides = parseCounts(args[3], "stride", reject);
  if (shape.length !== strides.length) {
    reject(`a tensor has ${shape.length} axes and ${strides.length} strides`);
  }
  const end = storageOffset + elementSpan({ shape, strides });
  if (!shape.includes(0) && end > storage.numel) {
    reject(
      `a tensor of shape ${formatShape(shape)} ends at element ${end - 1} of a storage ` +
        `that has ${storage.numel}`,
    );
  }
  return { kind: "tensor", storage, storageOffset, shape, strides };
}

function rebuildParameter([tensor]: readonly PickleValue[], reject: Reject): TensorView {
  return isKind(tensor, "tensor") ? tensor : reject("a parameter has no tensor");
}

/** `OrderedDict()` or, from Python 2, `OrderedDict([[key, value], …])`. */
function orderedDict(args: readonly PickleValue[], reject: Reject): PickleValue {
  const [pairs = []] = args;
  if (!isSequence(pairs)) return reject("a dictionary is made of something else");
  const entries = new Map<PickleValue, PickleValue>();
  for (const pair of pairs) {
    if (!isSequence(pair)) return reject("a dictionary is made of something else");
    const [key = null, value = null] = pair;
    entries.set(key, value);
  }
  return entries;
}

const opaqueCall: Call = () => OPAQUE;

const CALLABLE_GLOBALS: Readonly<Record<string, Call>> = {
  "collections.OrderedDict": orderedDict,
  "torch._utils._rebuild_tensor": rebuildTensor,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_parameter": rebuildParameter,
  "torch._utils._rebuild_parameter_with_state": rebuildParameter,
  "torch.Size": ([sizes], reject) => parseCounts(sizes, "size", reject),
  "torch.device": opaqueCall,
  "numpy.dtype": opaqueCall,
  "numpy.core.multiarray.scalar": opaqueCall,
  "numpy._core.multiarray.scalar": opaqueCall,
  "_codecs.encode": opaqueCall,
};

/** Types of elements, which the configuration of a model may contain. */
const DTYPE_NAMES = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool";

const ALLOWED_GLOBALS: ReadonlyMap<string, AllowedGlobal> = new Map(
  [
    ...Object.entries(CALLABLE_GLOBALS).map(([name, call]) => ({ name, call })),
    ...DTYPE_NAMES.split(" ").map((name) => ({ name: `torch.${name}` })),
    ...(Object.entries(STORAGE_NAMES) as [DataType, string][])
      .map(([dtype, name]) => ({ name: `torch.${name}`, dtype })),
  ].map((global) => [global.name, { kind: "global", ...global }]),
);

/** A text from a file, shortened and escaped for a message. */
export const printable = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text).slice(1, -1);

/** Finds a global in the list above, or refuses the file. */
export function findAllowedGlobal(
  module: string,
  name: string,
  reject: Reject,
): AllowedGlobal {
  return ALLOWED_GLOBALS.get(`${module}.${name}`) ??
    reject(
      `it refers to "${printable(`${module}.${name}`)}", which tensors do not need and ` +
        "which may run code when loaded; save only the state dict",
    );
}

/**
 * The storage that a persistent id stands for:
 * `("storage", class, key, device, elements)`, and in the legacy format a sixth item that
 * is None or `(view key, start, elements)`.
 */
export function parseStorageRef(id: PickleValue, reject: Reject): StorageRef {
  if (!isSequence(id) || id[0] !== "storage") {
    return reject("it refers to an outside object that is not a storage");
  }
  const [, type, key, , recordNumel, view = null] = id;
  const dtype = isKind(type, "global") ? type.dtype : undefined;
  if (
    dtype === undefined || typeof key !== "string" || !isNonNegativeInteger(recordNumel)
  ) {
    return reject("a storage has no type of elements, no key or no size");
  }
  const [, recordOffset, numel] = isSequence(view) ? view : [null, 0, recordNumel];
  if (
    !isNonNegativeInteger(recordOffset) || !isNonNegativeInteger(numel) ||
    recordOffset + numel > recordNumel
  ) {
    return reject(`a part of storage "${printable(key)}" lies outside of it`);
  }
  return { kind: "storage", key, dtype, recordNumel, recordOffset, numel };
}
