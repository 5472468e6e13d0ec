/** Verifies `head_*` goldens: a decode head's logits, loss, gradients and buffers. @module */
import { readBack } from "../../src/core/backend.ts";
import { lossAndGradient } from "../../src/core/backward.ts";
import type { Decoder, Parameter, Weights } from "../../src/core/network.ts";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import * as z from "../../src/core/zod.ts";
import { danetHead } from "../../src/models/danet_head.ts";
import { isaHead } from "../../src/models/isa_head.ts";
import { meanCrossEntropy } from "../../src/objectives/cross_entropy.ts";
import {
  checkError,
  type CheckResult,
  maxAbsolute,
  relativeError,
} from "../../src/doctor/check.ts";
import {
  releaseWeights,
  weightsFromHost,
  weightsToHost,
} from "../../src/core/weights.ts";
import {
  channelsFirst,
  channelsLastTensor,
  type Golden,
  labelTensor,
  numbersOf,
} from "./golden_file.ts";
import { tensorsUnder } from "./verify_network.ts";

const count = z.int().positive();
const widths = z.array(count).min(1);
const sharedOptions = { classes: count, channels: count, dropout: z.literal(0) };

const Sidecar = z.object({
  config: z.discriminatedUnion("type", [
    z.object({
      type: z.literal("ISAHead"),
      widths,
      options: z.object({ ...sharedOptions, relationChannels: count, cell: count }),
    }),
    z.object({
      type: z.literal("DAHead"),
      widths,
      options: z.object({ ...sharedOptions, reduced: count }),
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
type RecordedValues = Map<string, ArrayLike<number>>;

const HEAD_NAME = "decode_head";
// In the order in which a head gives the logits of its branches.
const AUXILIARY_LOGITS: Record<HeadConfig["type"], readonly string[]> = {
  ISAHead: [],
  DAHead: ["pam_logits", "cam_logits"],
};
// What is zero in exact arithmetic is measured against this share of the largest gradient.
const MIN_GRADIENT_SHARE = 0.01;

/** Runs the head of a golden on its maps and compares everything that was recorded. */
export async function verifyHead(golden: Golden): Promise<CheckResult[]> {
  const sidecar = Sidecar.parse(golden.sidecar);
  const head = buildHead(sidecar.config);
  const host = tensorsUnder(golden, "weights/");
  const nameErrors = nameDifferences(head.parameters.map(({ name }) => name), [
    ...host.keys(),
  ]);
  if (nameErrors.length > 0) {
    return [checkError("names", nameErrors.length, 0, nameErrors.join(", "))];
  }
  const maps = sidecar.config.widths.map((_, i) =>
    channelsLastTensor(golden, `input/map${i}`)
  );
  const weights = weightsFromHost(head.parameters, host);
  const recorded: RecordedValues = new Map();
  const evalLogits = tf.tidy(() =>
    channelsFirst(head.apply(weights, maps, EVAL_CONTEXT))
  );
  recorded.set("output/eval/logits", await readBack(evalLogits));
  const loss = await trainingLoss(golden, head, weights, maps, sidecar.config, recorded);
  tf.dispose([evalLogits, maps]);
  releaseWeights(weights);
  const lossError = Math.abs(loss / sidecar.loss - 1);
  return [
    checkError("output/train/loss", lossError, sidecar.tolerance.loss_rel),
    ...[...golden.tensors.keys()].filter((key) => /^(output|grad)\//.test(key))
      .map((key) => compare(golden, key, recorded.get(key) ?? [], sidecar)),
  ];
}

function buildHead(config: HeadConfig): Decoder {
  switch (config.type) {
    case "ISAHead": {
      const { relationChannels: isaChannels, cell: downFactor, ...rest } = config.options;
      return isaHead(HEAD_NAME, config.widths, { ...rest, isaChannels, downFactor });
    }
    case "DAHead": {
      const { reduced: pamChannels, ...rest } = config.options;
      return danetHead(HEAD_NAME, config.widths, { ...rest, pamChannels });
    }
  }
}

// Adds what training shows to `found`; returns the loss.
async function trainingLoss(
  golden: Golden,
  head: Decoder,
  weights: Weights,
  maps: tf.Tensor4D[],
  config: HeadConfig,
  recorded: RecordedValues,
): Promise<number> {
  const labels = labelTensor(golden, "input/gt");
  // The map that the head reads is a weight here, so that its gradient is seen as well.
  const inputName = `input/map${maps.length - 1}`;
  const values = new Map([
    ...weights,
    ...maps.slice(-1).map((map) => [inputName, map] as const),
  ]);
  let logits: tf.Tensor[] = [];
  const { value, gradient } = lossAndGradient(
    [...head.parameters, trainableInput(inputName)],
    values,
    () => {
      const context = { training: true, rngKey: null };
      const outputs = head.applyWithAuxiliary?.(weights, maps, context) ??
        { logits: head.apply(weights, maps, context), auxiliaryLogits: [] };
      const branches = [
        { logits: outputs.logits, lossWeight: 1 },
        ...outputs.auxiliaryLogits,
      ];
      logits = branches.map((branch) => tf.keep(channelsFirst(branch.logits)));
      const losses = branches.map(({ logits, lossWeight }) =>
        tf.mul(meanCrossEntropy(logits, labels, null), lossWeight)
      );
      return tf.addN(losses) as tf.Scalar;
    },
  );
  for (const [i, name] of ["logits", ...AUXILIARY_LOGITS[config.type]].entries()) {
    const branch = logits[i];
    if (branch !== undefined) {
      recorded.set(`output/train/${name}`, await readBack(branch));
    }
  }
  for (const [name, gradientTensor] of await weightsToHost(head.parameters, gradient)) {
    recorded.set(`grad/weights/${name}`, numbersOf(gradientTensor));
  }
  const inputGradient = gradient.get(inputName);
  if (inputGradient !== undefined) {
    recorded.set(
      `grad/${inputName}`,
      await readBack(channelsFirst(inputGradient as tf.Tensor4D)),
    );
  }
  const buffers = head.parameters.filter(({ trainable }) => !trainable);
  for (const [name, after] of await weightsToHost(buffers, weights)) {
    recorded.set(`output/bn_after/${name}`, numbersOf(after));
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
    return checkError(key, relativeError(ours, expected), allowed);
  }
  const { error, largest } = maxAbsolute(ours, expected);
  const isZero = sidecar.grads_that_are_mathematically_zero
    .some((name) => key === `grad/weights/${name}`);
  const scale = isZero
    ? MIN_GRADIENT_SHARE * sidecar.max_abs_grad_over_all_params
    : largest;
  return checkError(key, error / scale, tolerance.grad_rel);
}

function trainableInput(name: string): Parameter {
  const initializer = { kind: "constant", value: 0 } as const;
  return { name, shape: [], layout: "plain", initializer, trainable: true };
}

// Names that only one of two lists has.
function nameDifferences(ours: readonly string[], theirs: readonly string[]): string[] {
  return [
    ...ours.filter((name) => !theirs.includes(name)).map((name) => `missing: ${name}`),
    ...theirs.filter((name) => !ours.includes(name)).map((name) => `unknown: ${name}`),
  ];
}
