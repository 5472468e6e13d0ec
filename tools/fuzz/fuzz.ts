/** Gives damaged files to a parser, and watches what becomes of it. @module */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ChildJob, SLOW_MS } from "./child.ts";
import { type Finding, inputOf } from "./inputs.ts";
import { type Parser, type ParserName, PARSERS, readSeeds } from "./parsers.ts";

/** How a parser is fuzzed. */
export interface FuzzOptions {
  /** Other seeds are other inputs. */
  readonly seed: number;
  /** Inputs, at most. */
  readonly inputs: number;
  /** Seconds, at most. */
  readonly seconds: number;
  /** A file to read in place of inputs; null: none. */
  readonly file: string | null;
  /** The folder of the inputs that found something; made where there is one. */
  readonly out: string;
  readonly signal: AbortSignal;
}

/** What was found in a parser. */
export interface FuzzReport {
  readonly parser: ParserName;
  /** How many were read. */
  readonly inputs: number;
  readonly seconds: number;
  /** One of each kind. */
  readonly findings: readonly KeptFinding[];
}

/** A finding whose input was kept. */
export interface KeptFinding extends Finding {
  /** The file of its input. */
  readonly file: string;
  /** How many inputs found the same. */
  readonly count: number;
}

/** When a process that says nothing has come to a stop, in milliseconds. */
const MAX_SILENCE_MS = 5 * SLOW_MS;

/** Until the modules are loaded, on a busy machine. */
const START_MS = 60_000;

/** Megabytes of the engine's heap; more ends the process. */
const HEAP_MB = 1024;

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));

/** Findings of which only texts in quotation marks and numbers differ are the same. */
const keyOf = ({ kind, detail }: Finding) =>
  `${kind} ${detail.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\d+/g, "0")}`;

/**
 * Fuzzes a parser in processes of its own: one that crashes or stops is replaced, and the
 * input that it had is found out.
 */
export async function fuzzParser(
  name: ParserName,
  { seed, inputs, seconds, file, out, signal }: FuzzOptions,
): Promise<FuzzReport> {
  const parser: Parser = PARSERS[name];
  const seeds = await readSeeds(parser);
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  const findings = new Map<string, KeptFinding>();
  const add = async (finding: Finding) => {
    const key = keyOf(finding);
    const known = findings.get(key);
    if (known !== undefined) {
      findings.set(key, { ...known, count: known.count + 1 });
      return;
    }
    const { index } = finding;
    const kept = file ?? join(out, `${name}_${seed}_${index}`);
    findings.set(key, { ...finding, file: kept, count: 1 });
    if (index === null) return;
    await mkdir(out, { recursive: true });
    await writeFile(kept, inputOf(parser, seeds, seed, index));
  };
  let next = 0;
  do {
    const folder = await mkdtemp(join(tmpdir(), "fst_fuzz_"));
    try {
      const job = { parser: name, folder, seed, from: next, end: inputs, file };
      const onIndex = (index: number) => {
        next = index + 1;
      };
      const timeLeft = seconds - elapsed();
      await runChild(job, timeLeft * 1000, signal, onIndex, add);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } while (file === null && next < inputs && elapsed() < seconds && !signal.aborted);
  return {
    parser: name,
    inputs: file === null ? next : 1,
    seconds: elapsed(),
    findings: [...findings.values()],
  };
}

async function runChild(
  job: ChildJob,
  timeLeft: number,
  signal: AbortSignal,
  onIndex: (index: number) => void,
  add: (finding: Finding) => Promise<void>,
): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-check",
      `--v8-flags=--max-old-space-size=${HEAP_MB}`,
      "--allow-read",
      `--allow-write=${job.folder}`,
      "--allow-net=127.0.0.1",
      "--allow-env",
      "--allow-ffi",
      "--allow-sys",
      CHILD,
      JSON.stringify(job),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let last: number | null = null;
  let reason: "silence" | "time" | null = null;
  const kill = (why: "silence" | "time") => {
    reason ??= why;
    child.kill("SIGKILL");
  };
  let silence = setTimeout(() => kill("silence"), START_MS);
  const deadline = setTimeout(() => kill("time"), Math.max(0, timeLeft));
  const onAbort = () => kill("time");
  signal.addEventListener("abort", onAbort, { once: true });
  const errorText = new Response(child.stderr).text();
  try {
    for await (const line of linesOf(child.stdout)) {
      clearTimeout(silence);
      silence = setTimeout(() => kill("silence"), MAX_SILENCE_MS);
      if (line.startsWith("{")) await add(JSON.parse(line));
      else onIndex(last = Number(line));
    }
    const { success } = await child.status;
    if (reason === "silence") {
      const detail = `says nothing for ${MAX_SILENCE_MS / 1000} s`;
      await add({ index: last, kind: "hang", detail });
    } else if (reason === null && !success) {
      const text = (await errorText).trim();
      if (last === null && job.file === null) {
        throw new Error(
          `Cannot fuzz "${job.parser}": its process does not start: ${text}`,
        );
      }
      await add({ index: last, kind: "crash", detail: text });
    }
  } finally {
    clearTimeout(silence);
    clearTimeout(deadline);
    signal.removeEventListener("abort", onAbort);
    await errorText;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
