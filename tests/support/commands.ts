/** Commands as users type them, on runs that take a second. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type RunConfig } from "../../src/config/schema.ts";
import { readConfig } from "../../src/config/read.ts";
import type { Main } from "../../src/cli/command.ts";
import { recorder } from "../cli/recorder.ts";

/** A network of a few thousand weights on drawn scenes of 32×48 pixels. */
export const TINY = `
seed: 3
iterations: 2
model:
  encoder: { name: mit, widths: [4, 4, 8, 8], depths: [1, 1, 1, 1], heads: [1, 1, 1, 1], reductions: [8, 4, 2, 1], dropPath: 0.1 }
  decoder: { name: segformer, channels: 8, dropout: 0.1 }
data:
  kind: embedded
  size: { height: 32, width: 48 }
  source: { domain: clean, images: 6 }
  target: { domain: worn, images: 6 }
  evaluations: { worn: { domain: worn, images: 2 }, clean: { domain: clean, images: 1 } }
  crop: { height: 32, width: 32 }
  batch: 1
  workers: 0
optimizer: { rate: 1.0e-3, warmup: 2 }
method: { name: source-only, teacher: { momentum: 0.9 } }
evaluation: { every: 0 }
logging: { every: 1, pictures: 0, checkpoint: 1 }
`;

/** {@linkcode TINY}, checked, with some values replaced. */
export function tinyConfig(...overrides: string[]): RunConfig {
  return readConfig(TINY, "tiny.yaml", overrides);
}

/** Gives a new folder to `use`, and removes it. */
export async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "fst_" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** How a command ended and what it wrote. */
export interface Ended {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

/** Runs a command in this process. */
export async function call(main: Main, ...args: string[]): Promise<Ended> {
  const terminal = recorder();
  const status = await main(args, terminal);
  return { status, ...terminal.written };
}

/** Writes {@linkcode TINY} into a folder. @returns Its path. */
export async function tinyFile(folder: string, text: string = TINY): Promise<string> {
  const file = join(folder, "tiny.yaml");
  await Deno.writeTextFile(file, text);
  return file;
}

/**
 * Asserts that a command failed with a plain sentence that names the culprit.
 *
 * @param culprits All of them must be named.
 */
export function assertRefused({ status, error }: Ended, ...culprits: string[]): void {
  const said = error.split("\n").filter((line) =>
    !/^(backend|memory|network|resuming|iteration|image|counted|the old run)\b/.test(line)
  ).join("\n").trim();
  assert.equal(status, 1, said);
  assert.match(said, /^[A-Z]/, "it starts with a capital");
  assert.doesNotMatch(said, /\.$|^\s+at /m, `no full stop, no stack: ${said}`);
  for (const culprit of culprits) {
    assert(said.includes(culprit), `"${culprit}" is not named in: ${said}`);
  }
}
