/** Verifies `head_*` goldens: a decode head's logits, loss, gradients and buffers. @module */
import { readBack } from "../core/backend.ts";
import { gradientOf } from "../core/gradient.ts";
import {
  type Decoder,
  EVALUATION,
  type Parameter,
  type Weights,
} from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { releaseWeights, weightsFromHost, weightsToHost } from "../core/weights.ts";
import { z } from "../core/zod.ts";
import { danetHead } from "../models/danet_head.ts";
import { isaHead } from "../models/isa_head.ts";
import { meanCrossEntropy } from "../objectives/cross_entropy.ts";
import { check, type CheckResult, extremes, relativeError } from "./check.ts";
import { type Golden, labelsOf, mapsOf, numbersOf } from "./golden_file.ts";
import { section } from "./network.ts";

const count = z.int().positive();
const widths = z.array(count).min(1);
const shared = { classes: count, channels: count, dropout: z.literal(0) };

const Sidecar = z.object({
  config: z.discriminatedUnion("type", [
    z.object({
      type: z.literal("ISAHead"),
      widths,
      options: z.object({ ...shared, relationChannels: count, cell: count }),
    }),
    z.object({
      type: z.literal("DAHead"),
      widths,
      options: z.object({ ...shared, reduced: count }),
    }),
  ]),
  loss: z.number(),
  max_abs_grad_over_all_params: z.number(),
  grads_that_are_mathematically_zero: z.array(z.string()),
  tolerance: z.object({
    forward_rel: z.number(),
    loss_rel: z.number(),
    grad_rel: z.number(),
  }),
});
type Sidecar = z.output<typeof Sidecar>;
type HeadConfig = Sidecar["config"];

/** Numbers in PyTorch's layout, by the names that the golden gives them. */
type Figures = Map<string, ArrayLike<number>>;

const NAME = "decode_head";
// In the order in which a head gives the logits of its branches.
const BRANCHES: Record<HeadConfig["type"], readonly string[]> = {
  ISAHead: [],
  DAHead: ["pam_logits", "cam_logits"],
};
// What is zero in exact arithmetic is measured against this share of the largest gradient.
const SHARE_OF_LARGEST = 0.01;

/** Runs the head of a golden on its maps and compares everything that was recorded. */
export async function verifyHead(golden: Golden): Promise<CheckResult[]> {
  const sidecar = Sidecar.parse(golden.sidecar);
  const head = headOf(sidecar.config);
  const host = section(golden, "weights/");
  const odd = differences(head.parameters.map(({ name }) => name), [...host.keys()]);
  if (odd.length > 0) return [check("names", odd.length, 0, odd.join(", "))];
  const maps = sidecar.config.widths.map((_, i) => mapsOf(golden, `input/map${i}`));
  const weights = weightsFromHost(head.parameters, host);
  const found: Figures = new Map();
  const quiet = tf.tidy(() => planes(head.apply(weights, maps, EVALUATION)));
  found.set("output/eval/logits", await readBack(quiet));
  const loss = await train(golden, head, weights, maps, sidecar.config, found);
  tf.dispose([quiet, maps]);
  releaseWeights(weights);
  const lossError = Math.abs(loss / sidecar.loss - 1);
  return [
    check("output/train/loss", lossError, sidecar.tolerance.loss_rel),
    ...[...golden.tensors.keys()].filter((key) => /^(output|grad)\//.test(key))
      .map((key) => compare(golden, key, found.get(key) ?? [], sidecar)),
  ];
}

function headOf(config: HeadConfig): Decoder {
  switch (config.type) {
    case "ISAHead":
      return isaHead(NAME, config.widths, config.options);
    case "DAHead":
      return danetHead(NAME, config.widths, config.options);
  }
}

// Adds what training shows to `found`; returns the loss.
async function train(
  golden: Golden,
  head: Decoder,
  weights: Weights,
  maps: tf.Tensor4D[],
  config: HeadConfig,
  found: Figures,
): Promise<number> {
  const labels = labelsOf(golden, "input/gt");
  // The map that the head reads is a weight here, so that its gradient is seen as well.
  const read = `input/map${maps.length - 1}`;
  const values = new Map([
    ...weights,
    ...maps.slice(-1).map((map) => [read, map] as const),
  ]);
  let logits: tf.Tensor[] = [];
  const { value, gradient } = gradientOf(
    [...head.parameters, learned(read)],
    values,
    () => {
      const pass = { training: true, chance: null };
      const all = head.applyWithSides?.(weights, maps, pass) ??
        { logits: head.apply(weights, maps, pass), sides: [] };
      const branches = [{ logits: all.logits, lossWeight: 1 }, ...all.sides];
      logits = branches.map((branch) => tf.keep(planes(branch.logits)));
      const losses = branches.map(({ logits, lossWeight }) =>
        tf.mul(meanCrossEntropy(logits, labels, null), lossWeight)
      );
      return tf.addN(losses) as tf.Scalar;
    },
  );
  for (const [i, name] of ["logits", ...BRANCHES[config.type]].entries()) {
    const branch = logits[i];
    if (branch !== undefined) found.set(`output/train/${name}`, await readBack(branch));
  }
  for (const [name, slope] of await weightsToHost(head.parameters, gradient)) {
    found.set(`grad/weights/${name}`, numbersOf(slope));
  }
  const toMap = gradient.get(read);
  if (toMap !== undefined) {
    found.set(`grad/${read}`, await readBack(planes(toMap as tf.Tensor4D)));
  }
  const buffers = head.parameters.filter(({ trained }) => !trained);
  for (const [name, after] of await weightsToHost(buffers, weights)) {
    found.set(`output/bn_after/${name}`, numbersOf(after));
  }
  const [loss = NaN] = await readBack(value);
  tf.dispose([labels, value, logits]);
  releaseWeights(gradient);
  return loss;
}

function compare(
  golden: Golden,
  key: string,
  ours: ArrayLike<number>,
  { tolerance, ...sidecar }: Sidecar,
): CheckResult {
  const stored = golden.tensors.get(key);
  const expected = stored === undefined ? [] : numbersOf(stored);
  if (!key.startsWith("grad/")) {
    const counter = stored?.dtype === "I64";
    const allowed = counter ? 0 : tolerance.forward_rel;
    return check(key, relativeError(ours, expected), allowed);
  }
  const { error, largest } = extremes(ours, expected);
  const isZero = sidecar.grads_that_are_mathematically_zero
    .some((name) => key === `grad/weights/${name}`);
  const scale = isZero
    ? SHARE_OF_LARGEST * sidecar.max_abs_grad_over_all_params
    : largest;
  return check(key, error / scale, tolerance.grad_rel);
}

function learned(name: string): Parameter {
  const initial = { kind: "constant", value: 0 } as const;
  return { name, shape: [], layout: "plain", initial, trained: true };
}

// [B, H, W, C] here, [B, C, H, W] in the file
const planes = (maps: tf.Tensor4D) => tf.transpose(maps, [0, 3, 1, 2]);

// Names that only one of two lists has.
function differences(ours: readonly string[], theirs: readonly string[]): string[] {
  return [
    ...ours.filter((name) => !theirs.includes(name)).map((name) => `missing: ${name}`),
    ...theirs.filter((name) => !ours.includes(name)).map((name) => `unknown: ${name}`),
  ];
}
