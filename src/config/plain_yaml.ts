/**
 * YAML text → mappings, lists and scalars, as a configuration may have them: not circular, of
 * a size that can be handled, and without keys that mean something to the engine.
 *
 * @module
 */

import { parseDocument, type YAMLParseError } from "../core/yaml.ts";

/** What is wrong with a text, as a part of a sentence, and in which lines. */
export class YamlProblem extends SyntaxError {
  /** @param problems Each with its line, counted from 1; null: of the whole. */
  constructor(
    readonly problems: readonly {
      readonly line: number | null;
      readonly reason: string;
    }[],
  ) {
    super(problems.map(({ reason }) => reason).join("; "));
  }
}

/** Configurations have a handful of levels, and lists of some thousand names. */
const MOST_LEVELS = 50;
const MOST_VALUES = 200_000;

/** Problems that are told; a file of another kind makes thousands. */
const MOST_PROBLEMS = 5;

/** Characters of a key in a message. */
const MOST_KEY = 60;

/** Keys with which an object is not plain. */
export const RESERVED_KEYS: readonly string[] = ["__proto__", "constructor", "prototype"];

/** @throws {YamlProblem} If it is no YAML, or not plain. */
export function parsePlainYaml(text: string): unknown {
  const whole = (reason: string) => new YamlProblem([{ line: null, reason }]);
  if (text.includes("\0")) throw whole("it is no text");
  let root: unknown;
  try {
    const document = parseDocument(text, { prettyErrors: true, logLevel: "error" });
    if (document.errors.some(({ message }) => message.startsWith("Maximum call stack"))) {
      throw whole("it is nested too deeply");
    }
    const problems = document.errors.slice(0, MOST_PROBLEMS).map((error) => ({
      line: error.linePos?.[0].line ?? 1,
      reason: reasonOf(error, text),
    }));
    if (problems.length > 0) throw new YamlProblem(problems);
    root = document.toJS();
  } catch (error) {
    if (error instanceof YamlProblem) throw error;
    if (error instanceof RangeError) throw whole("it is nested too deeply");
    if (error instanceof ReferenceError) {
      throw whole(
        "its aliases stand for nothing, or for too much: write out what they mean",
      );
    }
    throw error;
  }
  const reason = unplainReason(root);
  if (reason !== null) throw whole(reason);
  return root;
}

// In words of a configuration where the library's are of its own or leave out the culprit.
function reasonOf({ code, message, pos }: YAMLParseError, text: string): string {
  if (code === "MULTIPLE_DOCS") return 'a second document begins after "---": keep one';
  if (code === "DUPLICATE_KEY") {
    const [key = ""] = /^[^\s:]+/.exec(text.slice(pos[0], pos[0] + MOST_KEY)) ?? [];
    return `the key ${key} is there twice: leave one out`;
  }
  return message.split(/ at line \d+/)[0] ?? message;
}

// Breadth first, so that neither a circle nor a depth is followed far.
function unplainReason(root: unknown): string | null {
  let level: unknown[] = [root];
  let values = 0;
  for (let depth = 0; level.length > 0; depth++) {
    values += level.length;
    if (values > MOST_VALUES) return `it has more than ${MOST_VALUES} values`;
    if (depth > MOST_LEVELS) {
      return `it is nested more than ${MOST_LEVELS} levels deep, or an alias leads back to ` +
        "what it is in";
    }
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== "object" || value === null) continue;
      const reserved = RESERVED_KEYS.find((key) => Object.hasOwn(value, key));
      if (reserved !== undefined) return `"${reserved}" cannot be a key: leave it out`;
      for (const inner of Object.values(value)) next.push(inner);
    }
    level = next;
  }
  return null;
}
