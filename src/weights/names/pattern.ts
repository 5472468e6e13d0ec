/**
 * Patterns of names, as the tables of naming schemes are written in.
 *
 * | in a pattern    | stands for                                                   |
 * | --------------- | ------------------------------------------------------------ |
 * | `{s}`           | a whole number; in a target also `{s+1}` and `{s-1}`         |
 * | `*`             | any text; the first one of a target is the first of a source |
 * | `[a.\|b.]`      | one of these texts or nothing                                |
 * | everything else | itself                                                       |
 *
 * @module
 */

/** What the variable parts of a pattern stood for, by how they are written. */
export type Captures = ReadonlyMap<string, string>;

const TOKEN = /\{(?<variable>[a-z])(?<shift>[+-]1)?\}|\[(?<options>[^\]]*)\]|\*/g;

interface Compiled {
  readonly expression: RegExp;
  /** How the variable parts are written, in their order. */
  readonly keys: readonly string[];
}

const compiled = new Map<string, Compiled>();

/** A reader of the stars of one pattern: the first is `*1`. */
function starCounter(): () => string {
  let stars = 0;
  return () => `*${++stars}`;
}

function compile(pattern: string): Compiled {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const keys: string[] = [];
  const star = starCounter();
  let source = "";
  let position = 0;
  for (const { 0: token, index, groups } of pattern.matchAll(TOKEN)) {
    source += RegExp.escape(pattern.slice(position, index));
    position = index + token.length;
    keys.push(groups?.variable ?? (token === "*" ? star() : token));
    const options = groups?.options?.split("|").map((option) => RegExp.escape(option));
    source += options !== undefined
      ? `((?:${options.join("|")})?)`
      : token === "*"
      ? "(.*)"
      : String.raw`(\d+)`;
  }
  source += RegExp.escape(pattern.slice(position));
  const result = { expression: new RegExp(`^${source}$`, "s"), keys };
  compiled.set(pattern, result);
  return result;
}

/** What a name's parts stand for, or null if it does not fit the pattern. */
export function matchPattern(pattern: string, name: string): Captures | null {
  const { expression, keys } = compile(pattern);
  const found = expression.exec(name);
  if (found === null) return null;
  return new Map(keys.map((key, i) => [key, found[i + 1] ?? ""]));
}

/**
 * The name that a pattern has where its parts stand for the captures; options that
 * nothing was captured for are left away.
 *
 * @throws {RangeError} If a number or a star was not captured.
 */
export function fillPattern(pattern: string, captures: Captures): string {
  const star = starCounter();
  return pattern.replace(TOKEN, (token, variable?: string, shift?: string) => {
    const key = variable ?? (token === "*" ? star() : token);
    const text = captures.get(key);
    if (text === undefined) {
      if (token.startsWith("[")) return "";
      throw new RangeError(
        `Cannot fill the pattern "${pattern}": nothing was captured for "${token}"`,
      );
    }
    return shift === undefined ? text : String(Number(text) + Number(shift));
  });
}

/** Whether any of the names fits a pattern. */
export function anyFits(names: Iterable<string>, pattern: string): boolean {
  for (const name of names) {
    if (matchPattern(pattern, name) !== null) return true;
  }
  return false;
}
