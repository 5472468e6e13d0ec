/** Processes that do the same work: fst, PyTorch, jax-js. @module */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { WorkAnswer, WorkCommand, WorkCost, WorkTask } from "./work.ts";

/** A program that speaks the lines of a runner. */
export interface PeerProgram {
  /** For tables and messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** What holds for a process from its start on. */
export interface ProcessSettings {
  /** Null: as many as the program takes by itself. */
  readonly threads: number | null;
  /** "auto", "off" or a file with native code for fst; null: as fst decides. */
  readonly native: string | null;
}

/** A process with a work that it does on command. */
export interface PeerProcess extends WorkAnswer {
  readonly name: string;
  warmUp(): Promise<WorkCost>;
  run(): Promise<WorkCost>;
  close(): Promise<void>;
}

/** The program that Python is. */
export const PYTHON = "python3";

const scriptPath = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const denoArgs = (script: string, ...args: string[]) => [
  ...["run", "-A", "--no-check", "--lock", scriptPath("../../tests/deno.lock")],
  ...[...args, scriptPath(script)],
];

/** fst as it is here. */
export const OURS: PeerProgram = {
  name: "fst",
  command: Deno.execPath(),
  args: denoArgs("./runner_process.ts"),
};

/** PyTorch. */
export const PYTORCH: PeerProgram = {
  name: "PyTorch",
  command: PYTHON,
  // -B: no compiled files in this repository.
  args: ["-B", scriptPath("./pytorch/serve.py")],
};

/** jax-js, which does operations alone. */
export const JAX: PeerProgram = {
  name: "jax-js",
  command: Deno.execPath(),
  args: denoArgs("./jax_process.ts"),
};

/**
 * fst as it is in another checkout: this benchmark with the code of that one.
 *
 * @param importMap What {@linkcode checkoutImportMap} says, in a file.
 */
export function checkoutProgram(checkout: string, importMap: string): PeerProgram {
  return {
    name: `fst in ${checkout}`,
    command: Deno.execPath(),
    args: denoArgs("./runner_process.ts", "--import-map", importMap),
  };
}

/** Puts the modules of another checkout in the place of ours, but not this benchmark. */
export function checkoutImportMap(checkout: URL): string {
  const root = new URL("../../", import.meta.url).href;
  const peers = new URL("./", import.meta.url).href;
  return JSON.stringify({ imports: { [root]: checkout.href, [peers]: peers } });
}

/** The one place where a process learns how to compute. */
export function environmentOf(
  { threads, native }: ProcessSettings,
): Record<string, string> {
  return {
    // A thread that waits must not spin: its time would count.
    OMP_WAIT_POLICY: "passive",
    ...threads !== null && {
      FST_THREADS: String(threads),
      OMP_NUM_THREADS: String(threads),
    },
    ...native !== null && { FST_NATIVE: native },
  };
}

/**
 * Starts a process and opens its work.
 *
 * @throws {Error} What the process says, if it fails.
 */
export async function openPeerProcess(
  { name, command, args }: PeerProgram,
  task: WorkTask,
  settings: ProcessSettings,
): Promise<PeerProcess> {
  const child = new Deno.Command(command, {
    args: [...args],
    env: environmentOf(settings),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errorOutput = new Response(child.stderr).text();
  const writer = child.stdin.getWriter();
  // Both are web streams of bytes; Node's types name their own.
  const output = Readable.fromWeb(child.stdout as never);
  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  const request = async (line: WorkTask | WorkCommand): Promise<unknown> => {
    await writer.write(new TextEncoder().encode(`${JSON.stringify(line)}\n`))
      .catch(() => {}); // it ended; below it says why
    const { value } = await lines.next();
    if (typeof value === "string") return JSON.parse(value);
    throw new Error(`Cannot measure ${name}: ${(await errorOutput).trim()}`);
  };
  const answer = await request(task) as WorkAnswer;
  return {
    name,
    ...answer,
    warmUp: async () => await request("warm up") as WorkCost,
    run: async () => await request("run") as WorkCost,
    async close() {
      await writer.close().catch(() => {}); // it may have ended
      await errorOutput;
      await child.status;
    },
  };
}

/**
 * Makes sure that there is a Python with PyTorch.
 *
 * @throws {Error} Saying what is missing and how to get it.
 */
export async function assertPyTorch(python: string = PYTHON): Promise<void> {
  const install = `"${python} -m pip install torch"`;
  const without = 'leave PyTorch out with "--variant jax-js"';
  let code: number;
  try {
    const args = ["-B", "-c", "import torch"];
    ({ code } = await new Deno.Command(python, { args, stderr: "null" }).output());
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `Cannot compare with PyTorch: there is no "${python}"; install Python 3.10 or ` +
        `later and then ${install}, or ${without}`,
    );
  }
  if (code === 0) return;
  throw new Error(
    `Cannot compare with PyTorch: "${python}" has no torch; get it with ${install}, or ` +
      without,
  );
}
