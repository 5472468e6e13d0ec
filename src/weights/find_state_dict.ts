/** Finds the state dict in a checkpoint's object. @module */

import type { Reject } from "../io/random_access_file.ts";
import {
  isKind,
  NUMPY_ARRAYS,
  type PickleValue,
  printable,
  type TensorView,
} from "./pickle_values.ts";

/**
 * Keys under which training programs store a state dict, the likeliest first: those of
 * the network itself (mmcv and Lightning, SegFormer and Swin, the semi-supervised code's
 * student), and then those of its moving average.
 */
const STATE_DICT_KEYS: readonly string[] = [
  "state_dict",
  "model_state_dict",
  "model",
  "model_state",
  "net",
  "net_state_dict",
  "network",
  "student",
  "student_state_dict",
  "weights",
  "params",
  "module",
  "teacher_state",
  "teacher",
  "teacher_state_dict",
  "model_ema",
  "model_ema_state_dict",
  "ema_model",
  "ema_state_dict",
  "state_dict_ema",
  "ema",
  "params_ema",
  "swa_model",
  "swa_state_dict",
];

/** Keys of what a training program saves to go on, and no network. */
export const TRAINING_STATE = /optim|sched|scaler|rng|random/i;

/** Depth of nested dictionaries. */
const MAX_DEPTH = 32;

/** Entries of all dictionaries together. */
const MAX_ENTRIES = 1_000_000;

/** Characters of a tensor's name. */
const MAX_NAME_LENGTH = 4096;

/** The tensors of a checkpoint and where they were found. */
export interface StateDict {
  /** Keys joined by dots; empty: the whole object. */
  readonly key: string;
  /** In the file's order; names of nested dictionaries are joined by dots. */
  readonly tensors: Map<string, TensorView>;
  /** Other dictionaries of the file with tensors, as keys joined by dots. */
  readonly otherKeys: readonly string[];
  /** Names in the state dict of what is no tensor, and of single tensors beside it. */
  readonly otherEntries: readonly string[];
}

type Dictionary = Map<PickleValue, PickleValue>;

/** The tensors of a dictionary and of those in it. */
interface Flattened {
  readonly tensors: Map<string, TensorView>;
  /** Names of what is neither a tensor nor a dictionary. */
  readonly others: Map<string, PickleValue>;
}

const keyToString = (key: PickleValue, reject: Reject): string =>
  typeof key === "string" || typeof key === "number"
    ? String(key)
    : reject("a tensor's name is neither a text nor a number");

function flatten(object: PickleValue, reject: Reject): Flattened {
  const tensors = new Map<string, TensorView>();
  const others = new Map<string, PickleValue>();
  let entries = 0;
  function visit(dictionary: Dictionary, prefix: string, level: number): void {
    if (level > MAX_DEPTH) reject(`it nests more than ${MAX_DEPTH} dictionaries`);
    for (const [key, value] of dictionary) {
      if (++entries > MAX_ENTRIES) reject(`it has more than ${MAX_ENTRIES} entries`);
      const isTensor = isKind(value, "tensor");
      if (!isTensor && !(value instanceof Map)) {
        if (typeof key === "string") others.set(prefix + key, value);
        continue;
      }
      const name = prefix + keyToString(key, reject);
      if (name.length > MAX_NAME_LENGTH) reject("a tensor's name is too long");
      if (value instanceof Map) visit(value, `${name}.`, level + 1);
      else if (tensors.has(name)) reject(`it has two tensors "${printable(name)}"`);
      else if (isTensor) tensors.set(name, value);
    }
  }
  if (object instanceof Map) visit(object, "", 0);
  return { tensors, others };
}

/** Keys of dictionaries in dictionaries. */
type Keys = readonly (string | number)[];

/** The keys that a path of keys joined by dots goes along, which may have dots themselves. */
function keysAlong(object: PickleValue, path: string): Keys | null {
  if (path === "") return [];
  if (!(object instanceof Map)) return null;
  const parts = path.split(".");
  for (let count = parts.length; count > 0; count--) {
    const text = parts.slice(0, count).join(".");
    const key = [text, Number(text)].find((one) => object.has(one));
    if (key === undefined) continue;
    const rest = keysAlong(object.get(key) ?? null, parts.slice(count).join("."));
    if (rest !== null) return [key, ...rest];
  }
  return null;
}

/** The value behind keys, which are there. */
const valueAt = (object: PickleValue, keys: Keys): PickleValue =>
  keys.reduce<PickleValue>(
    (value, key) => value instanceof Map ? value.get(key) ?? null : null,
    object,
  );

/** Makes a test whether a value is a dictionary with a tensor in it, however deep. */
function tensorFinder(): (value: PickleValue | undefined) => boolean {
  const known = new Map<Dictionary, boolean>(); // a dictionary may be in several
  const holdsTensors = (value: PickleValue | undefined, level = 0): boolean => {
    if (!(value instanceof Map) || level > MAX_DEPTH) return false;
    const found = known.get(value);
    if (found !== undefined) return found;
    known.set(value, false); // it may be in itself
    const result = value.values().some((one) =>
      isKind(one, "tensor") || holdsTensors(one, level + 1)
    );
    known.set(value, result);
    return result;
  };
  return (value) => holdsTensors(value);
}

/** The keys to the dictionary of a checkpoint in which its network is. */
function likeliestKeys(object: PickleValue): Keys {
  const holdsTensors = tensorFinder();
  const path: string[] = [];
  let value = object;
  while (value instanceof Map && path.length < MAX_DEPTH) {
    const dictionary: Dictionary = value;
    const isStateDict = dictionary.values().some((one) => isKind(one, "tensor"));
    if (path.length > 0 && isStateDict) break;
    let key = STATE_DICT_KEYS.find((one) => holdsTensors(dictionary.get(one)));
    if (key === undefined && path.length === 0 && !isStateDict) {
      const [only, ...rest] = [...dictionary.keys()].filter((one) =>
        typeof one === "string" && !TRAINING_STATE.test(one) &&
        holdsTensors(dictionary.get(one))
      );
      if (rest.length === 0 && typeof only === "string") key = only;
    }
    if (key === undefined) break;
    path.push(key);
    value = dictionary.get(key) ?? null;
  }
  return path;
}

/** The dictionaries with tensors, and the single tensors, that are not on the way of keys. */
function outsideOf(object: PickleValue, keys: Keys) {
  const holdsTensors = tensorFinder();
  const dictionaries: string[] = [];
  const tensors: string[] = [];
  let value = object;
  let prefix = "";
  for (const key of keys) {
    if (!(value instanceof Map)) break;
    for (const [name, other] of value) {
      if (typeof name !== "string" || name === key) continue;
      if (isKind(other, "tensor")) tensors.push(prefix + name);
      else if (holdsTensors(other)) dictionaries.push(prefix + name);
    }
    prefix += `${key}.`;
    value = value.get(key) ?? null;
  }
  return { dictionaries, tensors };
}

/** The keys under which an object has tensors of the state of its training. */
function trainingStates(object: PickleValue): string[] {
  if (!(object instanceof Map)) return [];
  const holdsTensors = tensorFinder();
  return [...object.keys()].filter((name): name is string =>
    typeof name === "string" && TRAINING_STATE.test(name) &&
    holdsTensors(object.get(name))
  );
}

/** What a value of a pickle is, for a message. */
function describe(value: PickleValue): string {
  if (!isKind(value, "opaque")) return "no dictionary of tensors";
  return NUMPY_ARRAYS.includes(value.className)
    ? "a NumPy array and no tensor"
    : `an object of ${value.className} and no dictionary of tensors`;
}

/**
 * Finds the tensors of a checkpoint.
 *
 * @param stateDictKey Keys joined by dots, as `"teacher_state"` or `"optimizer.state"`;
 * "" for the whole object; undefined for the first of {@linkcode STATE_DICT_KEYS} that
 * has tensors, for the only dictionary that has some, or for the whole object but the
 * state of the training.
 * @param reject Called if there are none, or an array of NumPy is in the place of one.
 */
export function findStateDict(
  object: PickleValue,
  stateDictKey: string | undefined,
  reject: Reject,
): StateDict {
  const keys = stateDictKey === undefined
    ? likeliestKeys(object)
    : keysAlong(object, stateDictKey);
  const key = stateDictKey ?? keys?.join(".") ?? "";
  const found = keys === null ? null : valueAt(object, keys);
  const outside = keys === null || keys.length === 0
    ? {
      dictionaries: stateDictKey === undefined ? trainingStates(object) : [],
      tensors: [],
    }
    : outsideOf(object, keys);
  const dictionary = key === "" && found instanceof Map
    ? new Map(
      [...found].filter(([name]) => !outside.dictionaries.some((one) => one === name)),
    )
    : found;
  const { tensors, others } = flatten(dictionary, reject);
  for (const [name, value] of others) {
    if (isKind(value, "opaque") && NUMPY_ARRAYS.includes(value.className)) {
      reject(
        `its "${printable(key === "" ? name : `${key}.${name}`)}" is ` +
          `${describe(value)}; make it one with torch.from_numpy before saving`,
      );
    }
  }
  if (tensors.size > 0) {
    const otherEntries = [...others.keys(), ...outside.tensors];
    return { key, tensors, otherKeys: outside.dictionaries, otherEntries };
  }

  if (stateDictKey !== undefined && stateDictKey !== "" && found !== null) {
    reject(`its "${printable(stateDictKey)}" is ${describe(found)}`);
  }
  const opaque = STATE_DICT_KEYS.find((name) => {
    const value = object instanceof Map ? object.get(name) : null;
    return isKind(value, "opaque");
  });
  if (opaque !== undefined && stateDictKey === undefined) {
    reject(`its "${opaque}" is ${describe(valueAt(object, [opaque]))}`);
  }
  const names = object instanceof Map
    ? [...object.keys()].filter((name) => typeof name === "string").slice(0, 8)
    : [];
  return reject(
    `it has no tensors${stateDictKey ? ` under "${printable(stateDictKey)}"` : ""}` +
      (names.length > 0
        ? `; its keys begin with ${names.map((name) => printable(name)).join(", ")}`
        : ""),
  );
}
