/**
 * A runner in a process of its own, which is what an import map and a peak of memory belong
 * to. Reads a {@linkcode RunnerTask} and then {@linkcode RunnerCommand}s from standard input, one JSON
 * document per line, and answers each with one.
 *
 * @module
 */
import { createInterface } from "node:readline";
import process from "node:process";
import type { RunConfig } from "../../src/config/schema.ts";
import {
  type BackendChoice,
  type BackendInfo,
  type CpuOptions,
  openBackend,
} from "../../src/core/backend.ts";
import { openDeviceMeter } from "../device.ts";
import { type IterationCost, openRunner } from "./runner.ts";

/** The first line. The answer is a {@linkcode BackendInfo}. */
export interface RunnerTask {
  readonly config: RunConfig;
  readonly backend: BackendChoice;
  readonly cpu: CpuOptions;
  readonly replayed: boolean;
}

/**
 * "warm up" comes first, "run" does an iteration, "encode" too, and tells the time of its
 * JavaScript.
 */
export type RunnerCommand = "warm up" | "run" | "encode";

/** The answer to "warm up" and to "run". */
export interface RunAnswer extends IterationCost {
  readonly dispatches: number;
  readonly peakBytes: number;
}

/** The answer to "encode". */
export interface EncodeAnswer {
  readonly seconds: number;
}

async function serveCommands(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const next = async () => {
    const { value } = await lines.next();
    return typeof value === "string" ? value : null;
  };
  const reply = async (value: BackendInfo | RunAnswer | EncodeAnswer) => {
    await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
  };
  const taskLine = await next();
  if (taskLine === null) return;
  const { config, backend, cpu, replayed } = JSON.parse(taskLine) as RunnerTask;
  const meter = openDeviceMeter();
  const info = await openBackend(backend, cpu);
  const runner = await openRunner(config, replayed);
  await reply(info);
  for (let line = await next(); line !== null; line = await next()) {
    const command = JSON.parse(line) as RunnerCommand;
    if (command === "encode") {
      await reply({ seconds: await runner.encode() });
      continue;
    }
    const before = meter.dispatches();
    const cost = await (command === "run" ? runner.run() : runner.warmUp());
    const dispatches = meter.dispatches() - before;
    await reply({ ...cost, dispatches, peakBytes: meter.peakBytes() });
  }
  await runner.close();
}

if (import.meta.main) {
  await serveCommands();
  Deno.exit(0); // a GPU device would keep the process
}
