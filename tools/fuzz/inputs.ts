/** The inputs of a parser, and what counts as a fault of it. @module */

import { mutate, randomFrom } from "./mutate.ts";
import type { Parser } from "./parsers.ts";

/** What an input brought to light. */
export interface Finding {
  /** Its number; null for a file that was given. */
  readonly index: number | null;
  readonly kind: "crash" | "hang" | "memory" | "message";
  /** What happened, or the message that is no plain sentence. */
  readonly detail: string;
}

/** The input of a number: the same for the same seed and good files. */
export function inputOf(
  { repair }: Pick<Parser, "repair">,
  seeds: readonly Uint8Array[],
  seed: number,
  index: number,
): Uint8Array {
  const random = randomFrom(
    Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index, 0x85ebca6b),
  );
  const bytes = mutate(seeds, random);
  if (random(2) === 0) repair?.(bytes);
  return bytes;
}

/** How our messages begin. */
const OUR_SENTENCE = /^(Cannot|The|There|No|Unknown) /;

/** What the engine, the system or a library says in its own words. */
const FOREIGN_WORDS = [
  /\b(undefined|NaN)\b|\bof null\b/,
  /\bis not (a function|iterable|defined|a constructor|an object|an instance)/,
  /\bCannot (read|set) propert|\bCannot (convert|destructure|access|mix|create)\b/,
  /\bInvalid (array|typed array|string|count|code|date|regular|time)/,
  /\b(out of bounds|outside the bounds|call stack|allocation failed|must be of type)\b/i,
  /\b(circular structure|Unexpected (token|end) .*JSON|JSON at position|not valid JSON)/,
  /\b(EISDIR|ENOENT|EINVAL|ERR_[A-Z_]+|os error|Z_[A-Z]+_ERROR)\b/,
  /\[object \w+\]|\bat \S+:\d+:\d+|\bnode:|\bext:/,
];

/** A message is a sentence, or one per problem. */
const MAX_MESSAGE = 4000;

/** Whether an error is a plain sentence of ours; what is wrong with it if not. */
export function faultOf(error: unknown): string | null {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`;
  const { name, message } = error;
  // What a file or a user wrote stands in quotation marks, or is the path of a setting.
  const own = message.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/^ {2}[^:\n]*:/gm, "");
  const isOurs = OUR_SENTENCE.test(message) && message.length <= MAX_MESSAGE &&
    !FOREIGN_WORDS.some((words) => words.test(own));
  return isOurs ? null : `${name}: ${message.slice(0, MAX_MESSAGE)}`;
}
