/**
 * The names of Python that a file of tensors needs. A file that refers to any other is
 * refused: nothing is looked up, imported or called.
 *
 * Source: PyTorch's own list, `torch/_weights_only_unpickler.py`.
 *
 * @module
 */
import type { DataType } from "../core/host_tensor.ts";
import {
  type AllowedGlobal,
  isCount,
  isKind,
  isSequence,
  OPAQUE,
  type PickleValue,
  type Refuse,
  type StorageReference,
  type TensorView,
} from "./torch_values.ts";

/** Storages by the names of their classes. */
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

/** Axes of a tensor: PyTorch itself knows no more. */
const MOST_AXES = 64;

type Call = (args: readonly PickleValue[], refuse: Refuse) => PickleValue;

function counts(value: PickleValue | undefined, what: string, refuse: Refuse): number[] {
  const items: readonly PickleValue[] = isSequence(value) ? value : [null];
  const sides = items.slice(0, MOST_AXES).filter(isCount);
  return sides.length === items.length
    ? sides
    : refuse(`a tensor's ${what} is not a list of at most ${MOST_AXES} counts`);
}

/** `_rebuild_tensor_v2(storage, offset, size, stride, …)`; gradients are of no use. */
function rebuildTensor(args: readonly PickleValue[], refuse: Refuse): TensorView {
  const [storage, offset] = args;
  if (!isKind(storage, "storage")) return refuse("a tensor has no storage");
  if (!isCount(offset)) return refuse("a tensor's offset is not a count");
  const shape = counts(args[2], "shape", refuse);
  const strides = counts(args[3], "stride", refuse);
  if (shape.length !== strides.length) {
    refuse(`a tensor has ${shape.length} axes and ${strides.length} strides`);
  }
  const last = shape.reduce(
    (sum, side, axis) => sum + (side - 1) * (strides[axis] ?? 0),
    offset,
  );
  if (!shape.includes(0) && last >= storage.elements) {
    refuse(
      `a tensor of shape [${shape.join(", ")}] ends at element ${last} of a storage ` +
        `that has ${storage.elements}`,
    );
  }
  return { kind: "tensor", storage, offset, shape, strides };
}

function rebuildParameter([tensor]: readonly PickleValue[], refuse: Refuse): TensorView {
  return isKind(tensor, "tensor") ? tensor : refuse("a parameter has no tensor");
}

/** `OrderedDict()` or, from Python 2, `OrderedDict([[key, value], …])`. */
function orderedDict(args: readonly PickleValue[], refuse: Refuse): PickleValue {
  const [pairs = []] = args;
  if (!isSequence(pairs)) return refuse("a dictionary is made of something else");
  const entries = new Map<PickleValue, PickleValue>();
  for (const pair of pairs) {
    if (!isSequence(pair)) return refuse("a dictionary is made of something else");
    const [key = null, value = null] = pair;
    entries.set(key, value);
  }
  return entries;
}

function size([sides]: readonly PickleValue[], refuse: Refuse): PickleValue {
  return counts(sides, "size", refuse);
}

const opaque: Call = () => OPAQUE;

const CALLS: Readonly<Record<string, Call>> = {
  "collections.OrderedDict": orderedDict,
  "torch._utils._rebuild_tensor": rebuildTensor,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_parameter": rebuildParameter,
  "torch._utils._rebuild_parameter_with_state": rebuildParameter,
  "torch.Size": size,
  "torch.device": opaque,
  "numpy.dtype": opaque,
  "numpy.core.multiarray.scalar": opaque,
  "numpy._core.multiarray.scalar": opaque,
  "_codecs.encode": opaque,
};

/** Types of elements, which descriptions of a model may name. */
const CONSTANTS = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool";

const GLOBALS: ReadonlyMap<string, AllowedGlobal> = new Map(
  [
    ...Object.entries(CALLS).map(([name, call]) => ({ name, call })),
    ...CONSTANTS.split(" ").map((name) => ({ name: `torch.${name}` })),
    ...(Object.entries(STORAGE_NAMES) as [DataType, string][])
      .map(([dtype, name]) => ({ name: `torch.${name}`, dtype })),
  ].map((global) => [global.name, { kind: "global", ...global }]),
);

/** A name out of a file, short and printable enough for a message. */
export const shown = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text).slice(1, -1);

/** Finds a name in the list above, or refuses the file. */
export function allowedGlobal(
  module: string,
  name: string,
  refuse: Refuse,
): AllowedGlobal {
  return GLOBALS.get(`${module}.${name}`) ??
    refuse(
      `it refers to "${shown(`${module}.${name}`)}", which tensors do not need and ` +
        "which may run code when loaded; save only the state dict",
    );
}

/**
 * The storage that a persistent id stands for:
 * `("storage", class, key, device, elements)`, and in the legacy format a sixth item that
 * is None or `(view key, start, elements)`.
 */
export function storageOf(id: PickleValue, refuse: Refuse): StorageReference {
  if (!isSequence(id) || id[0] !== "storage") {
    return refuse("it refers to an outside object that is not a storage");
  }
  const [, type, key, , recordElements, view = null] = id;
  const dtype = isKind(type, "global") ? type.dtype : undefined;
  if (dtype === undefined || typeof key !== "string" || !isCount(recordElements)) {
    return refuse("a storage has no type of elements, no key or no size");
  }
  const [, start, elements] = isSequence(view) ? view : [null, 0, recordElements];
  if (!isCount(start) || !isCount(elements) || start + elements > recordElements) {
    return refuse(`a part of storage "${shown(key)}" lies outside of it`);
  }
  return { kind: "storage", key, dtype, recordElements, start, elements };
}
