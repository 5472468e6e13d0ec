/** Commands as users type them, on runs that take a second. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type RunConfig } from "../../src/config/schema.ts";
import { parseConfig } from "../../src/config/read.ts";
import type { CommandMain } from "../../src/cli/command.ts";
import { recorder } from "../cli/recorder.ts";

// So that results do not depend on what is installed, also in processes that tests start.
Deno.env.set("FST_NATIVE", "off");
Deno.env.set("FST_THREADS", "1");

/** A network of a few thousand weights on drawn scenes of 32×48 pixels. */
export const TINY = `
seed: 3
iterations: 2
model:
  encoder: { name: mit, embedDims: [4, 4, 8, 8], depths: [1, 1, 1, 1], numHeads: [1, 1, 1, 1], srRatios: [8, 4, 2, 1], dropPathRate: 0.1 }
  decoder: { name: segformer, channels: 8, dropout: 0.1 }
data:
  kind: embedded
  size: { height: 32, width: 48 }
  source: { domain: clean, images: 6 }
  target: { domain: worn, images: 6 }
  evaluations: { worn: { domain: worn, images: 2 }, clean: { domain: clean, images: 1 } }
  cropSize: { height: 32, width: 32 }
  batchSize: 1
  numWorkers: 0
optimizer: { learningRate: 1.0e-3, warmupIterations: 2 }
method: { name: source-only, teacher: { emaDecay: 0.9 } }
evaluation: { interval: 0 }
logging: { interval: 1, imageInterval: 0, checkpointInterval: 1 }
`;

/** A small network as VFM-UDA's. */
export const VFM_UDA_MODEL = "model={encoder: {name: dinov2, embedDim: 16, depth: 4, " +
  "numHeads: 2, outIndices: [0, 1, 2, 3], registers: false, imageSize: 56, " +
  "inputScale: 1.1, dropPathRate: 0}, decoder: {name: vfm-uda}}";

/** The settings of a method as published for VFM-UDA, but for its teacher and labels. */
export const VFM_UDA = "name: self-training, criterion: {average: valid}, " +
  "mixing: {classesFrom: batch}, maskedConsistency: {mask: tokens}";

/** The settings of a method as published for UniMatch V2, but for its threshold. */
export const UNIMATCH_V2 = "name: weak-to-strong, strongWeight: 1, " +
  "featurePerturbationWeight: 0, complementaryDropout: true, pseudoLabelAverage: valid, " +
  "teacher: {emaDecay: 0.996, buffers: average}, strongAugmentation: " +
  "{grayscaleProbability: 0.2, blurSigma: [0.1, 2], cutmixPartner: reverse}";

/** Images of {@linkcode TINY} at two resolutions, as overrides. */
export const TWO_RESOLUTIONS = [
  "model.multiResolution={detailSize: {height: 16, width: 24}, attentionChannels: 8}",
  "model.encoder.srRatios=[4, 2, 1, 1]", // maps of the context are small
] as const;

/** {@linkcode TINY}, checked, with some values replaced. */
export function tinyConfig(...overrides: string[]): RunConfig {
  return parseConfig(TINY, "tiny.yaml", overrides);
}

/** The arguments that choose the processor. */
export const WASM = ["--backend", "wasm"] as const;

/** How a command ended and what it wrote. */
export interface Ended {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

/** Runs a command in this process. */
export async function call(main: CommandMain, ...args: string[]): Promise<Ended> {
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
    !/^(all \d+|backend|memory|network|resuming|iteration|image|counted|the old run|no pixel of)\b/
      .test(
        line,
      ) &&
    !/^\S+ +\d+ images with(out)? labels in "|^\d+ pictures of "/.test(line)
  ).join("\n").trim();
  assert.equal(status, 1, said);
  assert.match(said, /^[A-Z]/, "it starts with a capital");
  assert.doesNotMatch(said, /\.$|^\s+at /m, `no full stop, no stack: ${said}`);
  for (const culprit of culprits) {
    assert(said.includes(culprit), `"${culprit}" is not named in: ${said}`);
  }
}
