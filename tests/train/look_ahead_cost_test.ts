import assert from "node:assert/strict";
import { openBackend } from "../../src/core/backend.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { classesOf } from "../../src/prepare/data_specs.ts";
import {
  describeLookAhead,
  relativeMultiplyAdds,
} from "../../src/train/look_ahead_cost.ts";
import { tinyConfig } from "../support/commands.ts";
import { onEachBackend } from "../support/mod.ts";

const selfTraining = (lookAhead: string) =>
  `method={name: self-training, lookAhead: ${lookAhead}}`;

function relativeCost(...overrides: string[]): Promise<number> {
  const config = tinyConfig(...overrides);
  const classes = classesOf(config.data);
  const network = buildNetwork(config.model, classes.length);
  return relativeMultiplyAdds(config, classes, network, false);
}

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} instead of ${expected}`);

// Multiply-adds of a forward pass of one image of 512×512, from the published shapes.
const DIMS = [64, 128, 320, 512];
const DEPTHS = [3, 6, 40, 3];
const PIXELS = [128 ** 2, 64 ** 2, 32 ** 2, 16 ** 2];
const KEYS = 16 ** 2;
const at = (numbers: readonly number[], i: number) => numbers[i] ?? NaN;
const overStages = (of: (C: number, N: number, i: number) => number) =>
  DIMS.reduce((sum, C, i) => sum + of(C, at(PIXELS, i), i), 0);

const MIT_B5 = overStages((C, N, i) => {
  const patches = i === 0 ? 7 ** 2 * 3 * C : 3 ** 2 * at(DIMS, i - 1) * C;
  const reduction = i === 3 ? 0 : N * C ** 2;
  const attention = 2 * N * C ** 2 + 2 * KEYS * C ** 2 + 2 * N * KEYS * C;
  const mlp = 8 * N * C ** 2 + 9 * N * 4 * C;
  return N * patches + at(DEPTHS, i) * (reduction + attention + mlp);
});

/** Of the SegFormer head, and of the gradient by its input, which no virtual step needs. */
function headOf(channels: number, classes: number) {
  const embeds = overStages((C, N) => N * C * channels);
  const fuse = at(PIXELS, 0) * channels * (4 * channels + classes);
  return { head: embeds + fuse, inputGradient: embeds };
}

Deno.test("a look-ahead by head costs MiT-B5 what its shapes say", async () => {
  await openBackend("wasm");
  const cost = (channels: number, depth: number) =>
    relativeCost(
      `model={encoder: {name: mit-b5}, decoder: {name: segformer, channels: ${channels}}}`,
      selfTraining(`{by: head, depth: ${depth}}`),
      "data.size={height: 512, width: 512}",
      "data.cropSize={height: 512, width: 512}",
    );
  const classes = classesOf(tinyConfig().data).length;
  assert.equal(Math.round(MIT_B5 / 1e8), 694);
  for (const [channels, depth, bound] of [[256, 3, 1.42], [768, 1, 1.39]] as const) {
    const { head, inputGradient } = headOf(channels, classes);
    const forward = MIT_B5 + head;
    // Forward and backward on source and mixed images, which have no gradient themselves,
    // and the teacher's pseudo-labels.
    const plain = 7 * forward - 2 * at(PIXELS, 0) * 7 ** 2 * 3 * at(DIMS, 0);
    // Features of mixed images, pseudo-labels, and all steps of the head but the first on
    // the source, which the real step has as well.
    const virtual = MIT_B5 + forward + (2 * depth - 1) * (3 * head - inputGradient);
    const ratio = await cost(channels, depth);
    near(ratio, 1 + virtual / plain);
    assert.ok(ratio <= bound, `${ratio}`);
  }
});

onEachBackend("relativeMultiplyAdds() of the other kinds are whole numbers", async () => {
  for (
    const [lookAhead, expected] of [
      ["{by: gradient}", 4],
      ["{by: momentum}", 1],
      ["{by: reuse}", 3],
      ["{by: reuse, depth: 1}", 1],
      ["null", 1],
    ] as const
  ) near(await relativeCost(selfTraining(lookAhead)), expected);
});

Deno.test("a look-ahead says what an iteration computes", () => {
  const said = (lookAhead: string) =>
    describeLookAhead(tinyConfig(selfTraining(lookAhead)).method);
  assert.equal(said("null"), null);
  assert.equal(
    said("{depth: 2, width: 2}"),
    "look-ahead by gradient: an iteration costs 5 loss evaluations, 4 of them virtual",
  );
  assert.match(said("{agreement: 0.9}") ?? "", /costs at most 4 loss evaluations, 3 of/);
  assert.equal(
    said("{by: momentum, depth: 1}"),
    "look-ahead by momentum: an iteration costs 1 loss evaluation, as without (1 virtual " +
      "step by the optimizer's moments)",
  );
  assert.equal(
    said("{by: reuse, depth: 1}"),
    "look-ahead by reuse: an iteration costs 1 loss evaluation, 0 of them virtual, and " +
      "the first iteration 2; the first virtual step has the gradient of the last real one",
  );
  assert.match(said("{by: reuse, firstIteration: plain}") ?? "", /first iteration 1;/);
  assert.equal(
    said("{by: head, width: 2, depth: 1}"),
    "look-ahead by head: an iteration costs 1 loss evaluation and 2 virtual ones of " +
      "decoder and heads alone, on features computed for each of 2 batches",
  );
});
