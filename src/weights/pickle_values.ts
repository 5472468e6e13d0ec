/**
 * The values of a PyTorch file's pickle, which are data and never code, and the globals
 * of Python that a file of tensors needs or may have beside them. A file with any other
 * global is refused; nothing is imported or executed.
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
  /** Whether the elements of the tensor are those of the storage times −1. */
  readonly isNegated: boolean;
}

/** An object of a harmless class, as a NumPy scalar; nothing in it is kept. */
export interface OpaqueValue {
  readonly kind: "opaque";
  /** Module and name of its class. */
  readonly className: string;
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

/** Whether a value is a list, a tuple or a set. */
export const isSequence = (
  value: PickleValue | undefined,
): value is readonly PickleValue[] => Array.isArray(value);

/** Whether a value can be a key in Python, as a tuple, which is frozen here, and no list. */
export const isHashable = (value: PickleValue): boolean =>
  isSequence(value) ? Object.isFrozen(value) : !(value instanceof Map);

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

/** Whether a tensor's metadata, `{"neg": True}`, says that it is negated. */
function parseMetadata(value: PickleValue, reject: Reject): boolean {
  if (value === null) return false;
  if (!(value instanceof Map)) return reject("a tensor's metadata is no dictionary");
  for (const [key, isSet] of value) {
    const isKnown = key === "neg" || key === "conj";
    if (isKnown && typeof isSet === "boolean") continue;
    const name = typeof key === "string" ? `"${printable(key)}"` : "that is no text";
    reject(
      `a tensor has the metadata ${name}: known is neg; save it with resolve_neg() and ` +
        "resolve_conj()",
    );
  }
  if (value.get("conj") === true) {
    reject("a tensor is conjugated (conj), and those here are real numbers");
  }
  return value.get("neg") === true;
}

/** A function of PyTorch that is called with as many arguments as it takes. */
const rebuild = (
  name: string,
  [fewest, most]: readonly [number, number],
  call: Call,
): [string, Call] => [
  `torch._utils.${name}`,
  (args, reject) =>
    args.length >= fewest && args.length <= most
      ? call(args, reject)
      : reject(`${name} has ${args.length} arguments instead of ${most}`),
];

function rebuildTensor(args: readonly PickleValue[], reject: Reject): TensorView {
  const [storage, storageOffset, , , requiresGrad = false, , metadata = null] = args;
  if (typeof requiresGrad !== "boolean") reject("a tensor's requires_grad is no boolean");
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
  const isNegated = parseMetadata(metadata, reject);
  if (isNegated && storage.dtype === "BOOL") {
    reject("a tensor of truth values is negated (neg)");
  }
  return { kind: "tensor", storage, storageOffset, shape, strides, isNegated };
}

function rebuildParameter(
  [tensor, requiresGrad]: readonly PickleValue[],
  reject: Reject,
): TensorView {
  if (typeof requiresGrad !== "boolean") reject("a tensor's requires_grad is no boolean");
  return isKind(tensor, "tensor") ? tensor : reject("a parameter has no tensor");
}

/**
 * `_rebuild_from_type_v2(function, type, arguments, attributes)`: a tensor with attributes,
 * which are dropped.
 */
function rebuildFromType(
  [rebuildPlain, type, args]: readonly PickleValue[],
  reject: Reject,
): PickleValue {
  const isKnown = isKind(rebuildPlain, "global") && isSequence(args) &&
    rebuildPlain.name.startsWith("torch._utils._rebuild_") &&
    isKind(type, "global") && TENSOR_TYPES.includes(type.name);
  return isKnown && rebuildPlain.call !== undefined
    ? rebuildPlain.call(args, reject)
    : reject("a tensor with attributes is made of something else");
}

/** The types of tensors that are nothing but tensors. */
const TENSOR_TYPES: readonly string[] = ["torch.Tensor", "torch.nn.parameter.Parameter"];

/** `OrderedDict()` or, from Python 2, `OrderedDict([[key, value], …])`. */
function orderedDict(args: readonly PickleValue[], reject: Reject): PickleValue {
  const [pairs = []] = args;
  if (!isSequence(pairs)) return reject("a dictionary is made of something else");
  const entries = new Map<PickleValue, PickleValue>();
  for (const pair of pairs) {
    if (!isSequence(pair)) return reject("a dictionary is made of something else");
    const [key = null, value = null] = pair;
    if (!isHashable(key)) return reject("a dictionary has a key that cannot be one");
    entries.set(key, value);
  }
  return entries;
}

/** `defaultdict(factory)`; the factory makes what is absent, and nothing is absent here. */
const defaultDict: Call = ([, ...items], reject) =>
  items.length === 0
    ? new Map<PickleValue, PickleValue>()
    : reject("a defaultdict is made of something else");

const CALLABLE_GLOBALS: ReadonlyMap<string, Call> = new Map([
  ["collections.OrderedDict", orderedDict],
  ["collections.defaultdict", defaultDict],
  // storage, offset, size, stride; requires_grad, backward_hooks, metadata
  rebuild("_rebuild_tensor", [4, 4], rebuildTensor),
  rebuild("_rebuild_tensor_v2", [6, 7], rebuildTensor),
  // tensor, requires_grad, backward_hooks; attributes
  rebuild("_rebuild_parameter", [3, 3], rebuildParameter),
  rebuild("_rebuild_parameter_with_state", [4, 4], rebuildParameter),
  ["torch._tensor._rebuild_from_type_v2", rebuildFromType],
  ["torch.Size", ([sizes], reject) => Object.freeze(parseCounts(sizes, "size", reject))],
]);

/** Python's name of a class in the files of both Python 2 and 3. */
const builtins = (names: string): string[] =>
  names.split(" ").flatMap((name) => [`builtins.${name}`, `__builtin__.${name}`]);

const inModule = (module: string, names: string): string[] =>
  names.split(" ").map((name) => `${module}.${name}`);

/** A class of NumPy, whose module was renamed in version 2. */
const inNumpyCore = (names: string): string[] => [
  ...inModule("numpy.core.multiarray", names),
  ...inModule("numpy._core.multiarray", names),
];

/**
 * How NumPy makes an array, the latter in protocol 5; such an array in the place of a tensor
 * is refused.
 */
export const NUMPY_ARRAYS: readonly string[] = [
  ...inNumpyCore("_reconstruct"),
  ...["numpy.core", "numpy._core"].map((core) => `${core}.numeric._frombuffer`),
];

/**
 * Classes whose objects are data and which training programs keep beside the weights:
 * settings, paths, times, histories and states of random generators. Their objects are
 * left out unread. PyTorch's own list has few of them, so that it refuses such files.
 */
const OPAQUE_CLASSES: readonly string[] = [
  ...builtins("bytearray complex frozenset range set slice xrange"),
  "_codecs.encode", // what bytes are in protocol 2
  "argparse.Namespace",
  "types.SimpleNamespace",
  ...inModule("collections", "Counter deque"),
  ...inModule("datetime", "date datetime time timedelta timezone"),
  ...["pathlib", "pathlib._local"].flatMap((module) =>
    inModule(module, "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath")
  ),
  "decimal.Decimal",
  "fractions.Fraction",
  "uuid.UUID",
  "numpy.dtype",
  ...NUMPY_ARRAYS,
  ...inNumpyCore("scalar"),
  ...inModule(
    "numpy.random._pickle",
    "__bit_generator_ctor __generator_ctor __randomstate_ctor",
  ),
  ...["MT19937", "PCG64", "Philox", "SFC64"].map((name) =>
    `numpy.random._${name.toLowerCase()}.${name}`
  ),
  ...inModule("numpy.random.bit_generator", "SeedSequence __pyx_unpickle_SeedSequence"),
  "torch.device",
  "torch.serialization._get_layout",
  "torch.torch_version.TorchVersion",
  "torchvision.transforms.functional.InterpolationMode",
  // Settings and histories of the usual training programs.
  "mmengine.logging.history_buffer.HistoryBuffer",
  ...inModule("mmengine.config.config", "Config ConfigDict"),
  ...inModule("mmcv.utils.config", "Config ConfigDict"),
  "addict.addict.Dict",
  "easydict.EasyDict",
  ...["yacs.config", "fvcore.common.config", "detectron2.config.config"]
    .map((module) => `${module}.CfgNode`),
  "omegaconf.dictconfig.DictConfig",
  "omegaconf.listconfig.ListConfig",
  ...inModule("omegaconf.base", "ContainerMetadata Metadata"),
  ...inModule("omegaconf.nodes", "AnyNode BooleanNode FloatNode IntegerNode StringNode"),
  ...[
    "pytorch_lightning.utilities.parsing",
    "lightning.pytorch.utilities.parsing",
    "lightning_fabric.utilities.data",
    "lightning.fabric.utilities.data",
  ].map((module) => `${module}.AttributeDict`),
];

/** Types and constants that are data and not called, as in the settings of a model. */
const NAMED_TYPES: readonly string[] = [
  ...TENSOR_TYPES,
  ...inModule(
    "torch",
    "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool",
  ),
  ...builtins("bool bytes dict float int list str tuple Ellipsis NotImplemented"),
  "numpy.ndarray",
  ...inModule(
    "numpy",
    "bool_ float16 float32 float64 int16 int32 int64 int8 uint8",
  ),
  "typing.Any",
  "collections.abc.Mapping",
  ...["pytorch_lightning", "lightning.pytorch"].flatMap((root) => [
    `${root}.callbacks.early_stopping.EarlyStopping`,
    `${root}.callbacks.model_checkpoint.ModelCheckpoint`,
  ]),
];

const ALLOWED_GLOBALS: ReadonlyMap<string, AllowedGlobal> = new Map(
  [
    ...[...CALLABLE_GLOBALS].map(([name, call]) => ({ name, call })),
    ...OPAQUE_CLASSES.map((name) => ({
      name,
      call: () => ({ kind: "opaque", className: name } as const),
    })),
    ...NAMED_TYPES.map((name) => ({ name })),
    ...(Object.entries(STORAGE_NAMES) as [DataType, string][])
      .map(([dtype, name]) => ({ name: `torch.${name}`, dtype })),
  ].map((global) => [global.name, { kind: "global", ...global }]),
);

/** A text from a file, shortened and escaped for a message. */
export const printable = (text: string, length = 80): string =>
  JSON.stringify(text.length > length ? `${text.slice(0, length)}…` : text).slice(1, -1);

/** Finds a global in the list above, or refuses the file. */
export function findAllowedGlobal(
  module: string,
  name: string,
  reject: Reject,
): AllowedGlobal {
  const path = `${module}.${name}`;
  const known = ALLOWED_GLOBALS.get(path);
  if (known !== undefined) return known;
  const isTensorKind = module === "torch._utils" && name.startsWith("_rebuild_") ||
    /^torch(\.storage)?$/.test(module) && name.endsWith("Storage");
  if (isTensorKind) {
    reject(
      `it has a tensor of another kind ("${
        printable(path)
      }"): read are dense tensors of ` +
        "real numbers; save it as float32 after dequantize(), to_dense() or real",
    );
  }
  return reject(
    `it refers to "${
      printable(path)
    }", which tensors do not need and which may run code ` +
      "when loaded; save only the state dict",
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
