/** Runs that are cut off and go on. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { RunConfig } from "../../src/config/schema.ts";
import { type CpuOptions, openBackend } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { train, type TrainOptions } from "../../src/train/train.ts";
import { tinyConfig } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";

/** One evaluation of one picture, and a checkpoint at every third of six iterations. */
export const configOf = (method: string, ...more: string[]): RunConfig =>
  tinyConfig(
    `method=${method}`,
    "iterations=6",
    "logging.checkpointInterval=3",
    "data.evaluations={worn: {domain: worn, images: 1}}",
    ...more,
  );

const FILES = ["config.yaml", "log.jsonl", "last.safetensors"];

// The folder as a crash would leave it whose iteration is the second after a checkpoint:
// the log has a line more.
function copyRun(from: string, to: string): void {
  Deno.mkdirSync(to);
  for (const file of FILES) Deno.copyFileSync(join(from, file), join(to, file));
}

interface Line {
  readonly iteration: number;
  readonly losses: Readonly<Record<string, number>>;
}

/** The log of a run without times. */
export async function logOf(folder: string): Promise<Line[]> {
  const text = await Deno.readTextFile(join(folder, "log.jsonl"));
  return text.trimEnd().split("\n").map((line) => {
    const { iteration, losses } = JSON.parse(line);
    return { iteration, losses };
  });
}

/**
 * Asserts that a run which goes on after a crash ends with the bytes of one without, and
 * that live tensors are as many as in the second iteration.
 *
 * @param crashes Iterations done at the checkpoints it goes on from, each by itself; there
 * is one then and none before the second iteration after it.
 * @param constant Whether the number of tensors is looked at: phases have their own.
 * @param seen Looks at the run without a crash.
 */
export async function assertResumes(
  config: RunConfig,
  backend: "wasm" | "webgpu",
  { crashes = [3], constant = true, makeNetwork, seen, cpu = {} }:
    & { crashes?: readonly number[]; constant?: boolean }
    & { seen?: (log: readonly Line[], said: readonly string[]) => void }
    & { cpu?: CpuOptions }
    & Pick<TrainOptions, "makeNetwork"> = {},
): Promise<void> {
  await openBackend(backend, cpu);
  const own = { ...cpu, ...makeNetwork && { makeNetwork } };
  await inFolder(async (folder) => {
    const straight = join(folder, "straight");
    const resumed = (from: number) => join(folder, `resumed${from}`);
    const alive: number[] = [];
    const said: string[] = [];
    await train(config, {
      out: straight,
      backend,
      ...own,
      observer: {
        log: (line) => said.push(line),
        iteration({ iteration }) {
          alive.push(tf.memory().numTensors);
          const checkpoint = iteration - 2;
          if (crashes.includes(checkpoint)) copyRun(straight, resumed(checkpoint));
        },
      },
    });
    const [, steady = NaN, ...later] = alive;
    if (constant) {
      assert.deepEqual(later, later.map(() => steady), `live tensors: ${alive}`);
    }
    const whole = await Deno.readFile(join(straight, "last.safetensors"));
    const log = await logOf(straight);
    assert.equal(log.length, config.iterations);
    seen?.(log, said);

    for (const from of crashes) {
      const out = resumed(from);
      assert.equal((await logOf(out)).length, from + 1);
      const starts: number[] = [];
      const { status } = await train(config, {
        out,
        backend,
        ...own,
        observer: { start: (_, iteration) => void starts.push(iteration) },
      });
      assert.equal(status, "finished");
      assert.deepEqual(starts, [from]);
      assert.deepEqual(await logOf(out), log);
      // Student, teacher, both moments, their clocks and the figures.
      const bytes = await Deno.readFile(join(out, "last.safetensors"));
      assert.deepEqual(bytes, whole, `the checkpoints have the same bytes, from ${from}`);
    }
  });
}
