/** What training programs put in front of the names of weights. @module */

/** Prefixes by whom they come from: DDP, UDA's student and teacher, whole segmentors. */
export const WRAPPER_PREFIXES: readonly string[] = [
  "module.",
  "model.",
  "ema_model.",
  "backbone.",
];

/**
 * The chain of prefixes that all names begin with, as `"module.model.module."`; empty
 * where there is none.
 *
 * @param prefixes Which of them may be in it.
 */
export function commonWrapper(
  names: Iterable<string>,
  prefixes: readonly string[] = WRAPPER_PREFIXES,
): string {
  const all = [...names];
  let common = "";
  for (;;) {
    const next = prefixes.find((prefix) =>
      all.length > 0 &&
      all.every((name) =>
        name.startsWith(common + prefix) && name.length > common.length + prefix.length
      )
    );
    if (next === undefined) return common;
    common += next;
  }
}

/**
 * Takes the values whose names begin with a prefix, without it; leaves out the others.
 *
 * @param values Left untouched.
 * @param prefix As in `"ema_model."`; empty takes all.
 * @throws {RangeError} If no name begins with it.
 */
export function stripPrefix<T>(
  values: ReadonlyMap<string, T>,
  prefix: string,
): Map<string, T> {
  const taken = new Map<string, T>();
  for (const [name, value] of values) {
    if (name.startsWith(prefix)) taken.set(name.slice(prefix.length), value);
  }
  if (taken.size === 0 && prefix !== "") {
    const [first = "none"] = values.keys();
    throw new RangeError(
      `Cannot strip the prefix "${prefix}": no name begins with it; the first is "${first}"`,
    );
  }
  return taken;
}
