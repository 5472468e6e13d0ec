/**
 * What all commands promise: help with an example, near misses of option names, exit
 * statuses, errors in one sentence, and one JSON document on request.
 *
 * @module
 */
import "./environment_right.ts"; // first: what follows cannot be loaded without it
import { setTimeout } from "node:timers/promises";
import { communicator } from "../core/ranks.ts";
import { findLaunch } from "../distributed/launcher.ts";
import { errorText } from "./error_text.ts";
import { type Argument, commander, type Option } from "./option.ts";
import { processTerminal, type Terminal, visibleText } from "./terminal.ts";

/** Exit statuses of every command. */
export const EXIT_CODE = {
  done: 0,
  failed: 1,
  usage: 2,
  /** On request, to be resumed. */
  stopped: 75,
  interrupted: 130,
  terminated: 143,
} as const;

type Options = Readonly<Record<string, Option<unknown>>>;
type Arguments = Readonly<Record<string, Argument<unknown>>>;

type ParsedValues<Parts> = {
  readonly [Name in keyof Parts]: Parts[Name] extends Option<infer Value> ? Value
    : Parts[Name] extends Argument<infer Value> ? Value
    : never;
};

/** What an action works with. */
export interface CommandContext<O, A> {
  readonly options: ParsedValues<O>;
  readonly arguments: ParsedValues<A>;
  /** For progress bars and tables. */
  readonly terminal: Terminal;
  /** Whether `--json` was given. */
  readonly json: boolean;
  /** Writes a line for people: on standard output, or on standard error with `--json`. */
  readonly print: (line: string) => void;
  /** Writes a line on standard error. */
  readonly log: (line: string) => void;
  /** Aborted by Ctrl-C or SIGTERM, where the command asked for it. */
  readonly signal: AbortSignal;
}

/** How an action ended. */
export interface CommandResult {
  /** Default: done. */
  readonly exitCode?: number;
  /** What `--json` prints; left out: null, and nothing by a rank that is not the first. */
  readonly json?: unknown;
  /** What failed though there are results; printed after them. */
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
  /** The command that may use the network, where this one may not. */
  readonly networkName?: string;
  /** Whether Ctrl-C and SIGTERM let the action save what must not be lost; twice: at once. */
  readonly handlesInterrupt?: boolean;
  readonly action: (context: CommandContext<O, A>) => Promise<CommandResult | void>;
}

const toKebabCase = (name: string) =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Whether the help names a default. */
const isNonEmptyDefault = (fallback: unknown) =>
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

function buildParser(
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
      writeOut: terminal.writeOut,
      writeErr: terminal.writeErr,
      getOutHelpWidth: () => terminal.columns,
      getErrHelpWidth: () => terminal.columns,
      outputError: (text, write) => write(usageError(name, text)),
    })
    .addHelpText("after", `\nExamples:\n  ${examples.join("\n  ")}`);

  for (
    const [key, { description, arity, defaultValue }] of Object.entries(command.arguments)
  ) {
    const argumentName = toKebabCase(key).toUpperCase() + (arity === "many" ? "..." : "");
    const isRequired = arity !== "optional" && defaultValue === undefined;
    const argument = new commander.Argument(
      isRequired ? `<${argumentName}>` : `[${argumentName}]`,
      description,
    );
    parser.addArgument(
      isNonEmptyDefault(defaultValue) ? argument.default(defaultValue) : argument,
    );
  }
  for (const [key, definition] of Object.entries(command.options)) {
    const { placeholder, description, defaultValue, implicitValue, parse } = definition;
    const [left, right] = implicitValue === undefined ? ["<", ">"] : ["[", "]"];
    const value = placeholder === "" ? "" : ` ${left}${placeholder}${right}`;
    const option = new commander.Option(`--${toKebabCase(key)}${value}`, description);
    if (placeholder !== "") {
      option.argParser((text, before) => parse(text, before ?? defaultValue));
      if (implicitValue !== undefined) option.preset(implicitValue);
    }
    const defaultText = Array.isArray(defaultValue) ? defaultValue.join(",") : undefined;
    parser.addOption(
      isNonEmptyDefault(defaultValue)
        ? option.default(defaultValue, defaultText)
        : option,
    );
  }
  if (hasJson) parser.option("--json", "print one JSON document on standard output");
  return parser.option("--verbose", "show where an error comes from");
}

/** Runs `work` while everything that libraries print goes to standard error. */
async function withConsoleOnStderr<T>(work: () => Promise<T>): Promise<T> {
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

/** What asks a process to end, and its exit status then. Windows knows the first alone. */
const STOP_SIGNALS = Deno.build.os === "windows"
  ? [["SIGINT", EXIT_CODE.interrupted]] as const
  : [["SIGINT", EXIT_CODE.interrupted], ["SIGTERM", EXIT_CODE.terminated]] as const;

/** The signal of an action, and the exit status where it was aborted. */
interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
  readonly exitCode: number;
}

/** Aborts a signal at the first Ctrl-C or SIGTERM, and leaves at the second. */
function listenForInterrupt(log: (line: string) => void): Interrupt {
  const controller = new AbortController();
  let exitCode: number = EXIT_CODE.interrupted;
  const listeners = STOP_SIGNALS.map(([name, code]) => {
    const onSignal = () => {
      if (controller.signal.aborted) Deno.exit(code);
      exitCode = code;
      controller.abort();
      if (rankOfProcess() > 0) return; // the first one says it
      log(
        name === "SIGINT"
          ? "\nInterrupted: finishing; press Ctrl-C again to stop at once"
          : "\nAsked to end: finishing; a second signal stops at once",
      );
    };
    Deno.addSignalListener(name, onSignal);
    return [name, onSignal] as const;
  });
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]() {
      for (const [name, onSignal] of listeners) Deno.removeSignalListener(name, onSignal);
    },
  };
}

const neverInterrupted: Interrupt = {
  signal: new AbortController().signal,
  exitCode: EXIT_CODE.interrupted,
  [Symbol.dispose]: () => {},
};

/** Says what nobody has caught, in our words, and ends. */
function listenForUncaught(fail: (error: unknown) => void): Disposable {
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    fail(event.reason);
    Deno.exit(EXIT_CODE.failed);
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    fail(event.error);
    Deno.exit(EXIT_CODE.failed);
  };
  addEventListener("unhandledrejection", onRejection);
  addEventListener("error", onError);
  return {
    [Symbol.dispose]() {
      removeEventListener("unhandledrejection", onRejection);
      removeEventListener("error", onError);
    },
  };
}

/** The number of this process among those that were started together; 0 for one alone. */
function rankOfProcess(): number {
  return communicator()?.rank ?? findLaunch()?.rank ?? 0;
}

/** Whose error it is, where the first one does not speak for all. */
function rankLabel(): string {
  const rank = rankOfProcess();
  if (rank === 0) return "";
  const host = communicator() === null ? "" : ` on "${Deno.hostname()}"`;
  return `rank ${rank}${host}: `;
}

/**
 * Lets rank 0 say what all ranks have found, which ends them.
 *
 * @param signal Aborted when this process is asked to end.
 * @returns Whether that has ended this one.
 */
async function isEndedByFirstRank(signal?: AbortSignal): Promise<boolean> {
  if (rankOfProcess() === 0) return false;
  const options = signal === undefined || signal.aborted ? {} : { signal };
  return await setTimeout(2000, false, options).catch(() => true);
}

/**
 * Parses a command line, runs its command and says how it ended.
 *
 * @param args What follows the command's name.
 * @param terminal Where text goes; a test passes its own.
 * @returns The exit status: 0 done, 1 failed, 2 wrong usage, 75 stopped on request, 130
 * interrupted by Ctrl-C, 143 by SIGTERM.
 */
export async function runCommand<const O extends Options, const A extends Arguments>(
  command: Command<O, A>,
  args: readonly string[],
  terminal: Terminal = processTerminal(),
): Promise<number> {
  const log = (line: string) => terminal.writeErr(`${visibleText(line)}\n`);
  let usage = "";
  const writeErr = (text: string) => void (usage += text);
  const parser = buildParser(command, { ...terminal, writeErr });
  try {
    parser.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof commander.CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT_CODE.done;
    await isEndedByFirstRank();
    terminal.writeErr(usage);
    return EXIT_CODE.usage;
  }
  const { json = false, verbose = false, ...parsed } = parser.opts();
  const defaultEntries = Object.entries(command.options).map((
    [key, { defaultValue }],
  ) => [key, defaultValue]);
  const argumentEntries = Object.keys(command.arguments).map((
    key,
    i,
  ) => [key, parser.processedArgs[i]]);

  const { networkName = null } = command;
  const fail = (error: unknown) => {
    log(rankLabel() + errorText(error, { verbose, networkName }));
  };
  using _uncaught = listenForUncaught(fail);
  using interrupt = command.handlesInterrupt ? listenForInterrupt(log) : neverInterrupted;
  const run = () =>
    command.action({
      // The parser has checked every value by the option that it belongs to.
      options: { ...Object.fromEntries(defaultEntries), ...parsed } as ParsedValues<O>,
      arguments: Object.fromEntries(argumentEntries) as ParsedValues<A>,
      terminal,
      json,
      print: json ? log : (line) => terminal.writeOut(`${visibleText(line)}\n`),
      log,
      signal: interrupt.signal,
    });
  try {
    const outcome = await (json ? withConsoleOnStderr(run) : run()) ?? {};
    if (json && ("json" in outcome || rankOfProcess() === 0)) {
      const text = JSON.stringify(outcome.json ?? null, null, 2);
      terminal.writeOut(`${visibleText(text)}\n`);
    }
    const { failures = [] } = outcome;
    failures.forEach(fail);
    if (interrupt.signal.aborted) return interrupt.exitCode;
    if (failures.length > 0) return EXIT_CODE.failed;
    return outcome.exitCode ?? EXIT_CODE.done;
  } catch (error) {
    if (interrupt.signal.aborted && error === interrupt.signal.reason) {
      return interrupt.exitCode;
    }
    if (await isEndedByFirstRank(interrupt.signal)) return interrupt.exitCode;
    fail(error);
    return EXIT_CODE.failed;
  }
}

/** A command as a function; a test passes its own terminal. */
export type CommandMain = (
  args: readonly string[],
  terminal?: Terminal,
) => Promise<number>;

/** Makes the main function of a task; see {@linkcode runCommand}. */
export function defineCommand<const O extends Options, const A extends Arguments>(
  command: Command<O, A>,
): CommandMain {
  return (args, terminal) => runCommand(command, args, terminal);
}

/**
 * Makes a function that does its work until it fails, and nothing afterwards: what cannot
 * be written must not take the figures of a long evaluation with it.
 *
 * @param failures Receives the failure, to be printed at the end.
 */
export function deferFailure<Input>(
  action: (input: Input) => Promise<void>,
  failures: unknown[],
): (input: Input) => Promise<void> {
  let hasFailed = false;
  return async (input) => {
    if (hasFailed) return;
    try {
      await action(input);
    } catch (error) {
      hasFailed = true;
      failures.push(error);
    }
  };
}
