/** Ranks in tests: processes that the installed `mpirun` starts. @module */
import { fileURLToPath } from "node:url";
import { LAUNCH_ENVIRONMENT } from "../../bench/scaling/start_ranks.ts";
import { succeeds } from "./files.ts";

// What other MPIs call theirs can be tested, too.
const MPIRUN = Deno.env.get("FST_TEST_MPIRUN") || "mpirun";
const REQUIRED = Deno.env.get("FST_REQUIRE_MPI") === "1";

const isInstalled = await succeeds(MPIRUN, "--version").catch(() => false);

/**
 * Registers a test that starts ranks. Without `mpirun` it is reported as ignored, or fails
 * if FST_REQUIRE_MPI=1.
 */
export function onRanks(
  name: string,
  fn: () => Promise<void>,
  { ignore = false }: Pick<Deno.TestDefinition, "ignore"> = {},
): void {
  Deno.test({
    name: `${name} [mpirun]`,
    ignore: ignore || (!isInstalled && !REQUIRED),
    // A device and its buffers may outlive a test.
    sanitizeOps: false,
    sanitizeResources: false,
    fn,
  });
}

/** Ranks that run a program. */
export interface RankProcesses extends AsyncDisposable {
  /** `mpirun`. */
  readonly process: Deno.ChildProcess;
  /** Waits until its output has a match as often as there are ranks. */
  printed(pattern: RegExp): Promise<string[]>;
  /** Waits for the end of `mpirun`. */
  ended(): Promise<{ code: number; out: string; error: string }>;
}

/**
 * Starts ranks.
 *
 * @param ranks How many.
 * @param program A URL of TypeScript.
 * @param args What it is given.
 */
export function startRanks(
  ranks: number,
  program: URL,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): RankProcesses {
  const process = new Deno.Command(MPIRUN, {
    args: [
      ...["-np", String(ranks), Deno.execPath(), "run", "-A", "--no-check"],
      ...[fileURLToPath(program), ...args],
    ],
    env: { ...LAUNCH_ENVIRONMENT, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let [out, error] = ["", ""];
  let hasEnded = false;
  const ended = Promise.all([
    readText(process.stdout, (text) => out += text),
    readText(process.stderr, (text) => error += text),
    process.status,
  ]).then(([, , { code }]) => {
    hasEnded = true;
    return { code, out, error };
  });
  return {
    process,
    async printed(pattern) {
      for (;;) {
        const matches = [...out.matchAll(new RegExp(pattern, "g"))].map(([all]) => all);
        if (matches.length === ranks) return matches;
        if (hasEnded) {
          throw new Error(`The ranks ended without ${pattern}: ${out}${error}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    ended: () => ended,
    async [Symbol.asyncDispose]() {
      if (!hasEnded) process.kill("SIGKILL");
      await ended;
    },
  };
}

async function readText(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  add: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) add(text);
}
