/** The options of commands that compute. @module */
import type { BackendInfo, CpuOptions } from "../../mod.ts";
import { environmentVariable } from "../core/environment.ts";
import { commander, type Option, option } from "./option.ts";

/** What computes on the CPU. */
export const CPU_OPTIONS = {
  native: option.string(
    "auto|off|PATH",
    "oneDNN on the CPU: one that is found, none, or this library; $FST_NATIVE or auto " +
      "unless given",
  ),
  threads: threadsOption(
    "threads on the CPU, or auto: one per core where that is clearly faster, else one; " +
      "$FST_THREADS or auto unless given",
  ),
} as const;

/**
 * What the options say, or else the environment.
 *
 * @throws {RangeError} If FST_THREADS is not a number of threads.
 */
export function cpuOptionsFrom(
  { native, threads }: {
    readonly native: string | undefined;
    readonly threads: number | "auto" | undefined;
  },
  environment: (name: string) => string | undefined = environmentVariable,
): Required<CpuOptions> {
  return {
    native: native ?? (environment("FST_NATIVE") || "auto"),
    threads: threads ?? threadsFrom(environment("FST_THREADS")),
  };
}

/** What computes, and why, in a line. */
export function formatBackend({ name, adapter, reason }: BackendInfo): string {
  return `backend    ${name} on ${adapter} (${reason})`;
}

function threadsFrom(text: string | undefined): number | "auto" {
  if (!text) return "auto";
  const threads = parseThreads(text);
  if (threads !== null) return threads;
  throw new RangeError(
    `Cannot use FST_THREADS="${text}": it must be auto or a whole number, 1 to ${MAX_THREADS}`,
  );
}

function threadsOption(description: string): Option<number | "auto" | undefined> {
  return {
    placeholder: "auto|N",
    description,
    defaultValue: undefined,
    parse(text) {
      const threads = parseThreads(text);
      if (threads !== null) return threads;
      throw new commander.InvalidArgumentError(
        `It must be auto or a whole number, 1 to ${MAX_THREADS}.`,
      );
    },
  };
}

/** More would take memory for nothing: each has its own. */
const MAX_THREADS = 256;

function parseThreads(text: string): number | "auto" | null {
  if (text === "auto") return text;
  const threads = /^\d+$/.test(text) ? Number(text) : 0;
  return threads >= 1 && threads <= MAX_THREADS ? threads : null;
}
