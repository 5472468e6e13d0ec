/** The kinds of options and arguments that commands have. @module */

import * as commander from "npm:commander@15.1.0";

export { commander };

/** An option of a command; `Value` is what the action receives. */
export interface Option<Value> {
  /** Shown after the option's name; empty for a switch. */
  readonly placeholder: string;
  /** Ends without a full stop. */
  readonly description: string;
  /** Without the option, the action receives this. */
  readonly defaultValue: Value;
  /** What the option alone stands for; left out: a value has to follow. */
  readonly implicitValue?: string;
  /** Text → value; `before` is the value so far, for options that may be repeated. */
  parse(text: string, before: Value): Value;
}

/** An argument of a command; `Value` is what the action receives. */
export interface Argument<Value> {
  readonly description: string;
  /** How many words it takes. */
  readonly arity: "one" | "optional" | "many";
  readonly defaultValue: Value | undefined;
}

function parseNumber(
  text: string,
  isValid: (value: number) => boolean,
  expected: string,
): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (isValid(value)) return value;
  throw new commander.InvalidArgumentError(`It must be ${expected}.`);
}

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;

/** The kinds of options, each by a function that describes one. */
export const option = {
  /** A switch. */
  flag: (description: string): Option<boolean> => ({
    placeholder: "",
    description,
    defaultValue: false,
    parse: () => true,
  }),
  /** Any text. */
  string: (placeholder: string, description: string): Option<string | undefined> => ({
    placeholder,
    description,
    defaultValue: undefined,
    parse: (text) => text,
  }),
  /** Any text, as often as wanted. */
  strings: (placeholder: string, description: string): Option<string[]> => ({
    placeholder,
    description,
    defaultValue: [],
    parse: (text, before) => [...before, text],
  }),
  /** A whole number, not below zero; `bare` is the one that need not be written. */
  integer: (
    placeholder: string,
    description: string,
    bare?: number,
  ): Option<number | undefined> => ({
    placeholder,
    description,
    defaultValue: undefined,
    ...(bare === undefined ? {} : { implicitValue: String(bare) }),
    parse: (text) => parseNumber(text, isCount, "a whole number, 0 or more"),
  }),
  /** Numbers above zero, with commas between them. */
  numbers: (
    placeholder: string,
    defaultValue: readonly number[],
    description: string,
  ): Option<readonly number[]> => ({
    placeholder,
    description,
    defaultValue,
    parse: (text) =>
      text.split(",").map((one) =>
        parseNumber(
          one,
          (value) => value > 0 && value < Infinity,
          "numbers above 0, as 1,2",
        )
      ),
  }),
  /** One of a few words, which the placeholder lists unless it is given. */
  choice: <const Word extends string, const Fallback extends Word | undefined>(
    words: readonly Word[],
    defaultValue: Fallback,
    description: string,
    placeholder: string = words.join("|"),
  ): Option<Word | Fallback> => ({
    placeholder,
    description,
    defaultValue,
    parse: (text) => {
      const word = words.find((known) => known === text);
      if (word !== undefined) return word;
      throw new commander.InvalidArgumentError(`It must be one of ${words.join(", ")}.`);
    },
  }),
} as const;

/** The kinds of arguments, each by a function that describes one. */
export const argument = {
  /** One word that must be there. */
  one: (description: string): Argument<string> => ({
    description,
    arity: "one",
    defaultValue: undefined,
  }),
  /** One word, or its default. */
  optional: <Default extends string | undefined>(
    defaultValue: Default,
    description: string,
  ): Argument<string | Default> => ({ description, arity: "optional", defaultValue }),
  /** One word or more. */
  many: (description: string): Argument<string[]> => ({
    description,
    arity: "many",
    defaultValue: undefined,
  }),
  /** Any number of words. */
  any: (description: string): Argument<string[]> => ({
    description,
    arity: "many",
    defaultValue: [],
  }),
} as const;
