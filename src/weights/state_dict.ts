/** Where the weights are inside the object that a checkpoint holds. @module */

import { shown } from "./torch_globals.ts";
import {
  isKind,
  type PickleValue,
  type Refuse,
  type TensorView,
} from "./torch_values.ts";

/**
 * Keys under which training programs keep a state dict, the likeliest first: mmcv and
 * Lightning, SegFormer and Swin, the semi-supervised code base's student and teacher.
 */
export const STATE_DICT_KEYS: readonly string[] = [
  "state_dict",
  "model",
  "model_state",
  "teacher_state",
];

/** Dictionaries inside one another. */
const MOST_LEVELS = 32;

/** Entries of all dictionaries together. */
const MOST_ENTRIES = 1_000_000;

/** Characters of a tensor's name. */
const MOST_CHARACTERS = 4096;

type Dictionary = ReadonlyMap<PickleValue, PickleValue>;

/** Tensors of a checkpoint, and where they were. */
export interface StateDict {
  /** Path of keys with dots; empty: the whole object. */
  readonly root: string;
  /** In the file's order; names of nested ones are joined by dots. */
  readonly tensors: Map<string, TensorView>;
}

function keyText(key: PickleValue, refuse: Refuse): string {
  const text = typeof key === "string" || typeof key === "number" ? String(key) : null;
  return text ?? refuse("a tensor's name is neither a text nor a number");
}

function flatten(object: PickleValue, refuse: Refuse): Map<string, TensorView> {
  const tensors = new Map<string, TensorView>();
  let entries = 0;
  function visit(dictionary: Dictionary, prefix: string, level: number): void {
    if (level > MOST_LEVELS) refuse(`it nests more than ${MOST_LEVELS} dictionaries`);
    for (const [key, value] of dictionary) {
      if (++entries > MOST_ENTRIES) refuse(`it has more than ${MOST_ENTRIES} entries`);
      const isTensor = isKind(value, "tensor");
      if (!isTensor && !(value instanceof Map)) continue;
      const name = prefix + keyText(key, refuse);
      if (name.length > MOST_CHARACTERS) refuse("a tensor's name is too long");
      if (value instanceof Map) visit(value, `${name}.`, level + 1);
      else if (tensors.has(name)) refuse(`it has two tensors "${shown(name)}"`);
      else if (isTensor) tensors.set(name, value);
    }
  }
  if (object instanceof Map) visit(object, "", 0);
  return tensors;
}

function at(object: PickleValue, path: string): PickleValue {
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
 * @param root Path of keys, as in `"teacher_state"` or `"optimizer.state"`; empty for the
 * whole object; absent for the first of {@linkcode STATE_DICT_KEYS} that has tensors, or
 * the whole object.
 * @param refuse Called if there are none.
 */
export function stateDictOf(
  object: PickleValue,
  root: string | undefined,
  refuse: Refuse,
): StateDict {
  for (const path of root === undefined ? [...STATE_DICT_KEYS, ""] : [root]) {
    const tensors = flatten(at(object, path), refuse);
    if (tensors.size > 0) return { root: path, tensors };
  }
  const keys = object instanceof Map
    ? [...object.keys()].filter((key) => typeof key === "string").slice(0, 8)
    : [];
  return refuse(
    `it has no tensors${root ? ` under "${root}"` : ""}` +
      (keys.length > 0 ? `; its keys begin with ${keys.map(shown).join(", ")}` : ""),
  );
}
