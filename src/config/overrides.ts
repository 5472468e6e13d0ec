/** Values from the command line, laid over those of a file. @module */

import { parsePlainYaml, RESERVED_KEYS, YamlProblem } from "./plain_yaml.ts";
import {
  type Renamed,
  renameOldKeys,
  renamePath,
  valueAt,
  withoutImpliedLookAhead,
} from "./renamed_keys.ts";

/** One `--set`, taken apart. */
interface Override {
  /** As it was given, for messages. */
  readonly text: string;
  /** From the outermost key to the one that is set. */
  readonly path: readonly string[];
  readonly value: unknown;
}

/** @throws {SyntaxError} If there is no path, or the value is not YAML. */
function parseOverride(text: string): Override {
  const equals = text.indexOf("=");
  const path = text.slice(0, Math.max(equals, 0)).trim().split(".");
  if (path.includes("")) {
    throw new SyntaxError(
      `Cannot set "${text}": write a path, "=" and a value, as in ` +
        "optimizer.learningRate=1e-4",
    );
  }
  const reserved = path.find((key) => RESERVED_KEYS.includes(key));
  if (reserved !== undefined) {
    throw new SyntaxError(`Cannot set "${text}": "${reserved}" cannot be a key`);
  }
  try {
    return { text, path, value: parsePlainYaml(text.slice(equals + 1)) };
  } catch (error) {
    if (!(error instanceof YamlProblem)) throw error;
    const isYaml = error.problems.every(({ line }) => line === null);
    const reason = isYaml ? error.message : `the value is not YAML: ${error.message}`;
    throw new SyntaxError(`Cannot set "${text}": ${reason}`, { cause: error });
  }
}

const property = (node: unknown, key: string): unknown =>
  typeof node === "object" && node !== null && Object.hasOwn(node, key)
    ? Reflect.get(node, key)
    : undefined;

/**
 * A copy of `given` in which the value at `path`, from part `depth` on, is replaced.
 *
 * @param withDefaults What `given` is with its defaults, as far as that is known.
 */
function replaceAt(
  given: unknown,
  withDefaults: unknown,
  override: Override,
  depth = 0,
): unknown {
  const { text, path, value } = override;
  const key = path[depth];
  if (key === undefined) return value;
  const inner = (node: unknown) =>
    replaceAt(node, property(withDefaults, key), override, depth + 1);
  const place = depth === 0 ? "the whole file" : `"${path.slice(0, depth).join(".")}"`;
  // One entry of a list that the file leaves to its default changes the default.
  const node = given === undefined && Array.isArray(withDefaults) ? withDefaults : given;

  if (Array.isArray(node)) {
    const index = /^\d+$/.test(key) ? Number(key) : NaN;
    if (!(index < node.length)) {
      throw new RangeError(
        `Cannot set "${text}": ${place} is a list of ` +
          `${node.length}: "${key}" must be an index of it, counted from 0`,
      );
    }
    return node.map((entry, i) => i === index ? inner(entry) : entry);
  }
  // A group that the file leaves out, or switches off with null, starts empty.
  if (node === undefined || node === null) return { [key]: inner(undefined) };
  if (typeof node !== "object") {
    throw new RangeError(
      `Cannot set "${text}": ${place} is the value ` +
        `${JSON.stringify(node)} and has no "${key}" in it`,
    );
  }
  return { ...node, [key]: inner(property(node, key)) };
}

/**
 * Lays `path.to.key=value` over parsed YAML, in order.
 *
 * Parts of a path are separated by dots, and a number is an index where there is a list.
 * A value is YAML: `[1, 2]` and `{ split: val }` work, and an empty one is null. Whether
 * a key exists is the schema's business.
 *
 * @param root Left untouched.
 * @param complete The same with its defaults; a list that is only there can be changed.
 * @returns The result, and which paths have other names now.
 * @throws {SyntaxError} If an override is not a path, "=" and a YAML value.
 * @throws {RangeError} If a path leads into a plain value, or beyond a list.
 */
export function applyOverrides(
  root: unknown,
  complete: unknown,
  overrides: readonly string[],
): Renamed {
  const notes: string[] = [];
  const changed = overrides.map(parseOverride).reduce<unknown>((node, override) => {
    const renamed = renameOverride(override);
    // The value may be the old name of a method, which says more than the present one.
    const whole = renameOldKeys(
      replaceAt(node, complete, renamed.override),
      `--set ${override.text}`,
    );
    notes.push(...renamed.notes, ...whole.notes);
    const renamesMethod = override.path.join(".") === "method.name" &&
      override.value !== "future-self-training";
    return renamesMethod ? withoutImpliedLookAhead(whole.root) : whole.root;
  }, root);
  return { root: changed, notes };
}

// Path, and keys within a value that is a whole group.
function renameOverride(
  override: Override,
): { override: Override; notes: readonly string[] } {
  const { text, path, value } = override;
  const alone = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  const { root, notes } = renameOldKeys(alone, `--set ${text}`);
  const present = renamePath(path);
  const isGroup = typeof value === "object" && value !== null;
  return {
    override: { text, path: present, value: isGroup ? valueAt(root, present) : value },
    notes,
  };
}
