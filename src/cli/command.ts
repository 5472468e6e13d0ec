/**
 * What all commands promise: help with an example, near misses of option names, exit
 * statuses, errors in one sentence, and one JSON document on request.
 *
 * @module
 */
import * as commander from "../core/commander.ts";
import type { Argument, Option } from "./option.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

/** Exit statuses of every command. */
export const STATUS = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

type Options = Readonly<Record<string, Option<unknown>>>;
type Arguments = Readonly<Record<string, Argument<unknown>>>;

type ValuesOf<Parts> = {
  readonly [Name in keyof Parts]: Parts[Name] extends Option<infer Value> ? Value
    : Parts[Name] extends Argument<infer Value> ? Value
    : never;
};

/** What an action works with. */
export interface Context<O, A> {
  readonly options: ValuesOf<O>;
  readonly arguments: ValuesOf<A>;
  /** For progress bars and tables. */
  readonly terminal: Terminal;
  /** Whether `--json` was given. */
  readonly json: boolean;
  /** Writes a line for people: on standard output, or on standard error with `--json`. */
  readonly print: (line: string) => void;
  /** Writes a line on standard error. */
  readonly log: (line: string) => void;
  /** Aborted by Ctrl-C, where the command asked for it. */
  readonly signal: AbortSignal;
}

/** How an action ended. */
export interface Outcome {
  /** Default: done. */
  readonly status?: number;
  /** What `--json` prints. */
  readonly json?: unknown;
  /** What failed though there are results, told after them. */
  readonly failures?: readonly unknown[];
}

/** A command: its page of help and what it does. */
export interface Command<O extends Options, A extends Arguments> {
  /** As it is typed, for example `deno task train`. */
  readonly name: string;
  readonly description: string;
  /** Whole command lines. */
  readonly examples: readonly string[];
  /** In order; names are for the help. */
  readonly arguments: A;
  /** `--save-to` has the name `saveTo`. */
  readonly options: O;
  /** Whether there is a `--json`. */
  readonly hasJson?: boolean;
  /** Whether Ctrl-C lets the action finish what must not be lost; twice: at once. */
  readonly finishesOnInterrupt?: boolean;
  readonly action: (context: Context<O, A>) => Promise<Outcome | void>;
}

const kebab = (name: string) =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Whether the help names a default. */
const isShown = (fallback: unknown) =>
  Array.isArray(fallback) ? fallback.length > 0 : Boolean(fallback);

/** The parser's message in our form: one sentence, without full stop, with its cure. */
function usageError(name: string, text: string): string {
  const [first = "", ...rest] = text.trim()
    .replace(/^error: /, "")
    .replace(" is invalid. It ", " is invalid: it ")
    .replaceAll("\n", " ")
    .replaceAll("'", '"');
  const sentence = (first.toUpperCase() + rest.join("")).replace(/\.$/, "");
  return `${sentence}; see ${name} --help\n`;
}

function describe(
  { name, description, examples, hasJson, ...command }: Omit<
    Command<Options, Arguments>,
    "action"
  >,
  terminal: Terminal,
): commander.Command {
  const parser = new commander.Command(name)
    .description(description)
    .exitOverride()
    .allowExcessArguments(false)
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.error,
      getOutHelpWidth: () => terminal.columns,
      getErrHelpWidth: () => terminal.columns,
      outputError: (text, write) => write(usageError(name, text)),
    })
    .addHelpText("after", `\nExamples:\n  ${examples.join("\n  ")}`);

  for (
    const [key, { description, count, fallback }] of Object.entries(command.arguments)
  ) {
    const word = kebab(key).toUpperCase() + (count === "many" ? "..." : "");
    const isRequired = count !== "optional" && fallback === undefined;
    const argument = new commander.Argument(
      isRequired ? `<${word}>` : `[${word}]`,
      description,
    );
    parser.addArgument(isShown(fallback) ? argument.default(fallback) : argument);
  }
  for (const [key, each] of Object.entries(command.options)) {
    const { placeholder, description, fallback, bare, choices, parse } = each;
    const [left, right] = bare === undefined ? ["<", ">"] : ["[", "]"];
    const shownValue = choices?.join("|") ?? placeholder;
    const value = placeholder === "" ? "" : ` ${left}${shownValue}${right}`;
    const option = new commander.Option(`--${kebab(key)}${value}`, description);
    if (placeholder !== "") {
      option.argParser((text, before) => parse(text, before ?? fallback));
      if (bare !== undefined) option.preset(bare);
    }
    const shown = Array.isArray(fallback) ? fallback.join(",") : undefined;
    parser.addOption(isShown(fallback) ? option.default(fallback, shown) : option);
  }
  if (hasJson) parser.option("--json", "print one JSON document on standard output");
  return parser.option("--verbose", "show where an error comes from");
}

function sentence(error: unknown, verbose: boolean): string {
  if (!(error instanceof Error)) return String(error);
  if (!verbose) return error.message || error.name;
  const cause = error.cause === undefined
    ? ""
    : `\ncaused by ${Deno.inspect(error.cause)}`;
  return (error.stack ?? error.message) + cause;
}

/** Runs `work` while everything that libraries print goes to standard error. */
async function withQuietOutput<T>(work: () => Promise<T>): Promise<T> {
  const shared = console; // what libraries print through
  const names = ["log", "info", "debug"] as const;
  const before = names.map((name) => [name, shared[name]] as const);
  for (const name of names) shared[name] = shared.error;
  try {
    return await work();
  } finally {
    for (const [name, print] of before) shared[name] = print;
  }
}

/** Aborts a signal at the first Ctrl-C and leaves at the second. */
function listenForInterrupt(log: (line: string) => void) {
  const controller = new AbortController();
  const onInterrupt = () => {
    if (controller.signal.aborted) Deno.exit(STATUS.interrupted);
    controller.abort();
    log("\nInterrupted: finishing; press Ctrl-C again to leave at once");
  };
  Deno.addSignalListener("SIGINT", onInterrupt);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => Deno.removeSignalListener("SIGINT", onInterrupt),
  };
}

const neverInterrupted = {
  signal: new AbortController().signal,
  [Symbol.dispose]: () => {},
};

/**
 * Parses a command line, runs its command and says how it ended.
 *
 * @param args What follows the command's name.
 * @param terminal Where text goes; a test passes its own.
 * @returns The exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
 */
export async function runCommand<const O extends Options, const A extends Arguments>(
  command: Command<O, A>,
  args: readonly string[],
  terminal: Terminal = processTerminal(),
): Promise<number> {
  const log = (line: string) => terminal.error(`${line}\n`);
  const parser = describe(command, terminal);
  try {
    parser.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof commander.CommanderError)) throw error;
    return error.exitCode === 0 ? STATUS.done : STATUS.usage;
  }
  const { json = false, verbose = false, ...given } = parser.opts();
  const fallbacks = Object.entries(command.options).map((
    [key, { fallback }],
  ) => [key, fallback]);
  const words = Object.keys(command.arguments).map((
    key,
    i,
  ) => [key, parser.processedArgs[i]]);

  using interrupt = command.finishesOnInterrupt
    ? listenForInterrupt(log)
    : neverInterrupted;
  const run = () =>
    command.action({
      // The parser has checked every value by the option that it belongs to.
      options: { ...Object.fromEntries(fallbacks), ...given } as ValuesOf<O>,
      arguments: Object.fromEntries(words) as ValuesOf<A>,
      terminal,
      json,
      print: json ? log : (line) => terminal.out(`${line}\n`),
      log,
      signal: interrupt.signal,
    });
  try {
    const outcome = await (json ? withQuietOutput(run) : run()) ?? {};
    if (json) terminal.out(`${JSON.stringify(outcome.json ?? null, null, 2)}\n`);
    const { failures = [] } = outcome;
    for (const failure of failures) log(sentence(failure, verbose));
    if (interrupt.signal.aborted) return STATUS.interrupted;
    if (failures.length > 0) return STATUS.failed;
    return outcome.status ?? STATUS.done;
  } catch (error) {
    if (interrupt.signal.aborted && error === interrupt.signal.reason) {
      return STATUS.interrupted;
    }
    log(sentence(error, verbose));
    return STATUS.failed;
  }
}

/** A command as a function; a test passes its own terminal. */
export type Main = (args: readonly string[], terminal?: Terminal) => Promise<number>;

/** Makes the main function of a task; see {@linkcode runCommand}. */
export function mainOf<const O extends Options, const A extends Arguments>(
  command: Command<O, A>,
): Main {
  return (args, terminal) => runCommand(command, args, terminal);
}
