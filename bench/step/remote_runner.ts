/** A runner in another process. @module */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { BackendInfo } from "../../src/core/backend.ts";
import type {
  EncodeAnswer,
  RunAnswer,
  RunnerCommand,
  RunnerTask,
} from "./runner_process.ts";
import { type Variant, VARIANTS } from "./variants.ts";

/** A runner to which orders go as lines. */
export interface RemoteRunner {
  readonly backend: BackendInfo;
  warmUp(): Promise<RunAnswer>;
  run(): Promise<RunAnswer>;
  encode(): Promise<EncodeAnswer>;
  close(): Promise<void>;
}

const RUNNER_SCRIPT = fileURLToPath(new URL("./runner_process.ts", import.meta.url));

/** Starts a process. @throws {Error} What it says, if it fails. */
export async function openRemoteRunner(
  variant: Variant,
  task: Omit<RunnerTask, "replayed">,
): Promise<RemoteRunner> {
  const { args, replayed } = VARIANTS[variant];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", ...args, RUNNER_SCRIPT],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errorOutput = new Response(child.stderr).text();
  const writer = child.stdin.getWriter();
  // Both are web streams of bytes; Node's types name their own.
  const output = Readable.fromWeb(child.stdout as never);
  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  const request = async (line: RunnerTask | RunnerCommand): Promise<unknown> => {
    await writer.write(new TextEncoder().encode(`${JSON.stringify(line)}\n`))
      .catch(() => {}); // it ended; below it says why
    const { value } = await lines.next();
    if (typeof value === "string") return JSON.parse(value);
    throw new Error(`Cannot measure "${variant}": ${(await errorOutput).trim()}`);
  };
  const backend = await request({ ...task, replayed }) as BackendInfo;
  return {
    backend,
    warmUp: async () => await request("warm up") as RunAnswer,
    run: async () => await request("run") as RunAnswer,
    encode: async () => await request("encode") as EncodeAnswer,
    async close() {
      await writer.close();
      await errorOutput;
      await child.status;
    },
  };
}
