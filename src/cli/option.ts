/** The kinds of options and arguments that commands have. @module */

import { InvalidArgumentError } from "../core/commander.ts";

/** An option of a command; `Value` is what the action receives. */
export interface Option<Value> {
  /** Shown after the option's name; empty for a switch. */
  readonly placeholder: string;
  /** Ends without a full stop. */
  readonly description: string;
  /** Without the option, the action receives this. */
  readonly fallback: Value;
  /** What the option alone stands for; left out: a value has to follow. */
  readonly bare?: string;
  /** Words that may follow; null: any text. */
  readonly choices: readonly string[] | null;
  /** Text → value; `before` is the value so far, for options that may be repeated. */
  parse(text: string, before: Value): Value;
}

/** An argument of a command; `Value` is what the action receives. */
export interface Argument<Value> {
  readonly description: string;
  /** How many words it takes. */
  readonly count: "one" | "optional" | "many";
  readonly fallback: Value | undefined;
}

function numberIn(
  text: string,
  isRight: (value: number) => boolean,
  what: string,
): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (isRight(value)) return value;
  throw new InvalidArgumentError(`It must be ${what}.`);
}

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;

/** The kinds of options, each by a function that describes one. */
export const option = {
  /** A switch. */
  flag: (description: string): Option<boolean> => ({
    placeholder: "",
    description,
    fallback: false,
    choices: null,
    parse: () => true,
  }),
  /** Any text. */
  text: (placeholder: string, description: string): Option<string | undefined> => ({
    placeholder,
    description,
    fallback: undefined,
    choices: null,
    parse: (text) => text,
  }),
  /** Any text, as often as wanted. */
  texts: (placeholder: string, description: string): Option<string[]> => ({
    placeholder,
    description,
    fallback: [],
    choices: null,
    parse: (text, before) => [...before, text],
  }),
  /** A whole number, not below zero; `bare` is the one that need not be written. */
  count: (
    placeholder: string,
    description: string,
    bare?: number,
  ): Option<number | undefined> => ({
    placeholder,
    description,
    fallback: undefined,
    ...(bare === undefined ? {} : { bare: String(bare) }),
    choices: null,
    parse: (text) => numberIn(text, isCount, "a whole number, 0 or more"),
  }),
  /** Numbers above zero, with commas between them. */
  numbers: (
    placeholder: string,
    fallback: readonly number[],
    description: string,
  ): Option<readonly number[]> => ({
    placeholder,
    description,
    fallback,
    choices: null,
    parse: (text) =>
      text.split(",").map((one) =>
        numberIn(one, (value) => value > 0 && value < Infinity, "numbers above 0, as 1,2")
      ),
  }),
  /** One of a few words. */
  choice: <const Word extends string, const Fallback extends Word | undefined>(
    words: readonly Word[],
    fallback: Fallback,
    description: string,
  ): Option<Word | Fallback> => ({
    placeholder: "NAME",
    description,
    fallback,
    choices: words,
    parse: (text) => {
      const word = words.find((known) => known === text);
      if (word !== undefined) return word;
      throw new InvalidArgumentError(`It must be one of ${words.join(", ")}.`);
    },
  }),
} as const;

/** The kinds of arguments, each by a function that describes one. */
export const argument = {
  /** One word that must be there. */
  one: (description: string): Argument<string> => ({
    description,
    count: "one",
    fallback: undefined,
  }),
  /** One word, or its default. */
  optional: <Default extends string | undefined>(
    fallback: Default,
    description: string,
  ): Argument<string | Default> => ({ description, count: "optional", fallback }),
  /** One word or more. */
  many: (description: string): Argument<string[]> => ({
    description,
    count: "many",
    fallback: undefined,
  }),
  /** Any number of words. */
  any: (description: string): Argument<string[]> => ({
    description,
    count: "many",
    fallback: [],
  }),
} as const;
