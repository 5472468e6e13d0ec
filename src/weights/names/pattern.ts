/**
 * Patterns of names, for the rules of naming schemes.
 *
 * | in a pattern    | matches                                                      |
 * | --------------- | ------------------------------------------------------------ |
 * | `{s}`           | a whole number; in a target also `{s+1}` and `{s-1}`         |
 * | `*`             | any text; the first one of a target is the first of a source |
 * | `[a.\|b.]`      | one of these texts or nothing                                |
 * | everything else | itself                                                       |
 *
 * @module
 */

/** The texts that the variables of a pattern matched, by the variables as written. */
export type Captures = ReadonlyMap<string, string>;

const TOKEN = /\{(?<variable>[a-z])(?<shift>[+-]1)?\}|\[(?<options>[^\]]*)\]|\*/g;

interface CompiledPattern {
  readonly expression: RegExp;
  /** The variables as written, in their order. */
  readonly keys: readonly string[];
}

const patternCache = new Map<string, CompiledPattern>();

/** Numbers the stars of one pattern: the first is `*1`. */
function starKeys(): () => string {
  let stars = 0;
  return () => `*${++stars}`;
}

function compilePattern(pattern: string): CompiledPattern {
  const cached = patternCache.get(pattern);
  if (cached !== undefined) return cached;
  const keys: string[] = [];
  const star = starKeys();
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
  patternCache.set(pattern, result);
  return result;
}

/** Matches a name with a pattern. @returns Null if it does not match. */
export function matchPattern(pattern: string, name: string): Captures | null {
  const { expression, keys } = compilePattern(pattern);
  const found = expression.exec(name);
  if (found === null) return null;
  return new Map(keys.map((key, i) => [key, found[i + 1] ?? ""]));
}

/**
 * Fills the variables of a pattern with captures; options that were not captured are
 * omitted.
 *
 * @throws {RangeError} If a number or a star was not captured.
 */
export function fillPattern(pattern: string, captures: Captures): string {
  const star = starKeys();
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

/** Whether any name of a table matches a pattern. */
export const anyNameMatches = (
  tensors: ReadonlyMap<string, unknown>,
  pattern: string,
): boolean => tensors.keys().some((name) => matchPattern(pattern, name) !== null);
