/** A runner's end of the line: reads a task, then commands, and measures. @module */
import { createInterface } from "node:readline";
import process from "node:process";
import type { WorkAnswer, WorkCommand, WorkCost, WorkTask } from "./work.ts";

/** A work that is ready to be done. */
export interface ServedWork {
  /** Whether it has to be repeated to be timed. */
  readonly isShort: boolean;
  /** Prepares for {@linkcode run}, beyond doing it once. */
  prepare?(): Promise<void>;
  /** Does it so many times and waits for the end. */
  run(times: number): Promise<void>;
}

// A short work is repeated for so long.
const MIN_SECONDS = 0.2;

/** Answers lines of standard input on standard output until there are no more. */
export async function serveWork(
  open: (task: WorkTask) => Promise<{ answer: WorkAnswer; work: ServedWork }>,
): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const next = async () => {
    const { value } = await lines.next();
    return typeof value === "string" ? value : null;
  };
  const reply = async (value: WorkAnswer | WorkCost) => {
    await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
  };
  const taskLine = await next();
  if (taskLine === null) return;
  const { answer, work } = await open(JSON.parse(taskLine) as WorkTask);
  await reply(answer);
  let repeats = 1;
  const measure = async (): Promise<WorkCost> => {
    const [from, cpuBefore] = [performance.now(), process.cpuUsage()];
    await work.run(repeats);
    const seconds = (performance.now() - from) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore); // in microseconds
    return { seconds: seconds / repeats, cpuSeconds: (user + system) / 1e6 / repeats };
  };
  for (let line = await next(); line !== null; line = await next()) {
    const cost = await measure();
    if ((JSON.parse(line) as WorkCommand) === "warm up") {
      await work.prepare?.();
      if (work.isShort) {
        repeats = Math.max(1, Math.ceil(MIN_SECONDS / (await measure()).seconds));
      }
    }
    await reply(cost);
  }
}
