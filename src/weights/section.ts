/** Which of the networks in a file to take. @module */

import { CHECKPOINT_PREFIX } from "./checkpoint_file.ts";
import { commonWrapper } from "./name_prefix.ts";

/** What may be around a whole network: DDP, and the student of a UDA wrapper. */
const WRAPPERS = ["module.", "model."] as const;

/** The student of a UDA wrapper; in checkpoints from here it has no prefix. */
const STUDENT = "model.";

/**
 * What stands beside a student: its teacher, the frozen pretrained network, the copies
 * that FST keeps while it looks ahead, and the moments of an optimizer.
 */
const BESIDE: readonly string[] = [
  ...Object.values(CHECKPOINT_PREFIX),
  "pre_model.",
  "tmp_model.",
];

/** A network in a file. */
export interface Section {
  /** What its names begin with; taken away, they are those of the network. */
  readonly prefix: string;
  /** Its names in the file. */
  readonly names: readonly string[];
  /** Prefixes of the file's other networks, for those who want one of them. */
  readonly others: readonly string[];
}

const begin = (names: readonly string[], prefix: string) =>
  names.filter((name) => name.startsWith(prefix));

const behind = (names: readonly string[], prefix: string) =>
  names.map((name) => name.slice(prefix.length));

/** A prefix with the wrappers that all names behind it begin with. */
function unwrapped(names: readonly string[], prefix: string): string {
  return prefix + commonWrapper(behind(begin(names, prefix), prefix), WRAPPERS);
}

/**
 * Chooses a network: the student, or the one whose names begin with a prefix.
 *
 * @param wanted As `"ema_model."` for the teacher.
 * @param file For messages.
 * @throws {RangeError} If no name begins with it, or there are several networks of which
 * none is the student.
 */
export function chooseSection(
  names: readonly string[],
  wanted: string | undefined,
  file: string,
): Section {
  const wrapper = commonWrapper(names, WRAPPERS);
  const here = behind(names, wrapper);
  const present = [STUDENT, ...BESIDE].filter((prefix) => begin(here, prefix).length > 0);

  if (wanted !== undefined) {
    const prefix = [wanted, wrapper + wanted].find((one) => begin(names, one).length > 0);
    if (prefix === undefined) {
      const known = present.length > 0 ? present : [wrapper];
      throw new RangeError(
        `Cannot take the weights with the prefix "${wanted}" from "${file}": no name ` +
          `begins with it; there are ${known.map((one) => `"${one}"`).join(", ")}, and ` +
          `the first name is "${names[0] ?? "none"}"`,
      );
    }
    const whole = unwrapped(names, prefix);
    const others = present.filter((one) => !whole.startsWith(wrapper + one));
    return { prefix: whole, names: begin(names, whole), others };
  }
  if (present.includes(STUDENT)) {
    const whole = unwrapped(names, wrapper + STUDENT);
    const others = present.filter((one) => one !== STUDENT);
    return { prefix: whole, names: begin(names, whole), others };
  }
  const student = names.filter((name) =>
    !present.some((prefix) => name.startsWith(wrapper + prefix))
  );
  // A file of nothing but a teacher, or but pretrained weights, has no choice to offer.
  if (student.length === 0 && present.length === 1) {
    const whole = unwrapped(names, wrapper + present.join(""));
    return { prefix: whole, names, others: [] };
  }
  if (student.length === 0) {
    throw new RangeError(
      `Cannot choose from "${file}": it has no student but several others; say which by ` +
        `its prefix: ${present.map((one) => `"${one}"`).join(", ")}`,
    );
  }
  return { prefix: wrapper, names: student, others: present };
}
