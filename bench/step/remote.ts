/** A runner in another process. @module */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { BackendInfo } from "../../src/core/backend.ts";
import type { EncodeAnswer, Order, RunAnswer, Task } from "./process.ts";
import { type Variant, VARIANTS } from "./variants.ts";

/** A runner to which orders go as lines. */
export interface Remote {
  readonly backend: BackendInfo;
  warmUp(): Promise<RunAnswer>;
  run(): Promise<RunAnswer>;
  encode(): Promise<EncodeAnswer>;
  close(): Promise<void>;
}

const PROCESS = fileURLToPath(new URL("./process.ts", import.meta.url));

/** Starts a process. @throws {Error} What it says, if it fails. */
export async function openRemote(
  variant: Variant,
  task: Omit<Task, "replayed">,
): Promise<Remote> {
  const { args, replayed } = VARIANTS[variant];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", ...args, PROCESS],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const complaint = new Response(child.stderr).text();
  const writer = child.stdin.getWriter();
  // Both are web streams of bytes; Node's types name their own.
  const output = Readable.fromWeb(child.stdout as never);
  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  const ask = async (line: Task | Order): Promise<unknown> => {
    await writer.write(new TextEncoder().encode(`${JSON.stringify(line)}\n`))
      .catch(() => {}); // it ended; below it says why
    const { value } = await lines.next();
    if (typeof value === "string") return JSON.parse(value);
    throw new Error(`Cannot measure "${variant}": ${(await complaint).trim()}`);
  };
  const backend = await ask({ ...task, replayed }) as BackendInfo;
  return {
    backend,
    warmUp: async () => await ask("warm up") as RunAnswer,
    run: async () => await ask("run") as RunAnswer,
    encode: async () => await ask("encode") as EncodeAnswer,
    async close() {
      await writer.close();
      await complaint;
      await child.status;
    },
  };
}
