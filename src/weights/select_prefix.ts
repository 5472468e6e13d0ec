/** Selects one of the networks in a file by the prefix of its names. @module */

import { CHECKPOINT_PREFIXES } from "./checkpoint.ts";

/** Wrappers of a whole network: DDP, and the student of a UDA wrapper. */
const WRAPPER_PREFIXES = ["module.", "model."] as const;

/** The student of a UDA wrapper; in checkpoints of fst it has no prefix. */
const STUDENT_PREFIX = "model.";

/**
 * What a file may have in addition to the student: its teacher, the frozen ImageNet
 * encoder, the copies of FST's look-ahead, and the moments of an optimizer.
 */
const AUXILIARY_PREFIXES: readonly string[] = [
  ...Object.values(CHECKPOINT_PREFIXES),
  "pre_model.",
  "tmp_model.",
];

/** A network in a file. */
export interface PrefixSelection {
  /** The prefix of its names, wrappers included. */
  readonly prefix: string;
  /** Its names in the file. */
  readonly names: readonly string[];
  /** Prefixes of the file's other networks. */
  readonly otherPrefixes: readonly string[];
}

/**
 * The chain of wrappers that all names have after `start`, as `"module.model.module."`,
 * or "".
 */
function commonWrapper(names: readonly string[], start: string): string {
  const inside = names.filter((name) => name.startsWith(start));
  let common = start;
  for (;;) {
    const next = WRAPPER_PREFIXES.find((prefix) =>
      inside.length > 0 &&
      inside.every((name) =>
        name.startsWith(common + prefix) && name.length > common.length + prefix.length
      )
    );
    if (next === undefined) return common.slice(start.length);
    common += next;
  }
}

const quoteAll = (prefixes: readonly string[]) =>
  prefixes.map((prefix) => `"${prefix}"`).join(", ");

/**
 * Selects a network: the student, or the one with a prefix.
 *
 * @param requested The prefix, as `"ema_model."` for the teacher.
 * @param file For messages.
 * @throws {RangeError} If no name has the prefix, or the file has more than one network
 * and none of them is the student.
 */
export function selectPrefix(
  names: readonly string[],
  requested: string | undefined,
  file: string,
): PrefixSelection {
  const wrapper = commonWrapper(names, "");
  const hasPrefix = (prefix: string) => names.some((name) => name.startsWith(prefix));
  const presentPrefixes = [STUDENT_PREFIX, ...AUXILIARY_PREFIXES]
    .filter((prefix) => hasPrefix(wrapper + prefix));
  const select = (start: string): PrefixSelection => {
    const prefix = start + commonWrapper(names, start);
    return {
      prefix,
      names: names.filter((name) => name.startsWith(prefix)),
      otherPrefixes: presentPrefixes.filter((other) =>
        !prefix.startsWith(wrapper + other)
      ),
    };
  };

  if (requested !== undefined) {
    const start = [requested, wrapper + requested].find(hasPrefix);
    if (start !== undefined) return select(start);
    const known = presentPrefixes.length > 0 ? presentPrefixes : [wrapper];
    throw new RangeError(
      `Cannot take the weights with the prefix "${requested}" from "${file}": no name ` +
        `begins with it; there are ${quoteAll(known)}, and the first name is ` +
        `"${names[0] ?? "none"}"`,
    );
  }
  if (presentPrefixes.includes(STUDENT_PREFIX)) return select(wrapper + STUDENT_PREFIX);
  const student = names.filter((name) =>
    !presentPrefixes.some((prefix) => name.startsWith(wrapper + prefix))
  );
  if (student.length > 0) {
    return { prefix: wrapper, names: student, otherPrefixes: presentPrefixes };
  }
  // A file with nothing but a teacher or pretrained weights needs no choice.
  const [only = "", ...others] = presentPrefixes;
  if (others.length === 0) return select(wrapper + only);
  throw new RangeError(
    `Cannot choose from "${file}": it has several networks and none is the student; ` +
      `choose one by its prefix: ${quoteAll(presentPrefixes)}`,
  );
}
