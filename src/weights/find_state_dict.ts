/** Finds the state dict in a checkpoint's object. @module */

import type { Reject } from "../io/random_access_file.ts";
import { isKind, type PickleValue, printable, type TensorView } from "./pickle_values.ts";

/**
 * Keys under which training programs store a state dict, the likeliest first: mmcv and
 * Lightning, SegFormer and Swin, the semi-supervised code's student and teacher.
 */
const STATE_DICT_KEYS: readonly string[] = [
  "state_dict",
  "model",
  "model_state",
  "teacher_state",
];

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
}

const keyToString = (key: PickleValue, reject: Reject): string =>
  typeof key === "string" || typeof key === "number"
    ? String(key)
    : reject("a tensor's name is neither a text nor a number");

function flattenStateDict(object: PickleValue, reject: Reject): Map<string, TensorView> {
  const tensors = new Map<string, TensorView>();
  let entries = 0;
  function visit(
    dictionary: Map<PickleValue, PickleValue>,
    prefix: string,
    level: number,
  ): void {
    if (level > MAX_DEPTH) reject(`it nests more than ${MAX_DEPTH} dictionaries`);
    for (const [key, value] of dictionary) {
      if (++entries > MAX_ENTRIES) reject(`it has more than ${MAX_ENTRIES} entries`);
      const isTensor = isKind(value, "tensor");
      if (!isTensor && !(value instanceof Map)) continue;
      const name = prefix + keyToString(key, reject);
      if (name.length > MAX_NAME_LENGTH) reject("a tensor's name is too long");
      if (value instanceof Map) visit(value, `${name}.`, level + 1);
      else if (tensors.has(name)) reject(`it has two tensors "${printable(name)}"`);
      else if (isTensor) tensors.set(name, value);
    }
  }
  if (object instanceof Map) visit(object, "", 0);
  return tensors;
}

function valueAtPath(object: PickleValue, path: string): PickleValue {
  if (path === "") return object;
  let value: PickleValue = object;
  for (const step of path.split(".")) {
    if (!(value instanceof Map)) return null;
    value = value.get(step) ?? value.get(Number(step)) ?? null;
  }
  return value;
}

/**
 * Finds the tensors of a checkpoint.
 *
 * @param stateDictKey Keys joined by dots, as `"teacher_state"` or `"optimizer.state"`;
 * "" for the whole object; undefined for the first of {@linkcode STATE_DICT_KEYS} that
 * has tensors, or the whole object.
 * @param reject Called if there are none.
 */
export function findStateDict(
  object: PickleValue,
  stateDictKey: string | undefined,
  reject: Reject,
): StateDict {
  const paths = stateDictKey === undefined ? [...STATE_DICT_KEYS, ""] : [stateDictKey];
  for (const path of paths) {
    const tensors = flattenStateDict(valueAtPath(object, path), reject);
    if (tensors.size > 0) return { key: path, tensors };
  }
  const keys = object instanceof Map
    ? [...object.keys()].filter((key) => typeof key === "string").slice(0, 8)
    : [];
  return reject(
    `it has no tensors${stateDictKey ? ` under "${stateDictKey}"` : ""}` +
      (keys.length > 0 ? `; its keys begin with ${keys.map(printable).join(", ")}` : ""),
  );
}
