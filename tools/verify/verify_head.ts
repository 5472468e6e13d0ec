/** Verifies `head_*` goldens: a decode head's logits, loss, gradients and buffers. @module */
import { readBack } from "../../src/core/backend.ts";
import { lossAndGradient } from "../../src/core/backward.ts";
import type { Decoder, Parameter, Weights } from "../../src/core/network.ts";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import * as z from "../../src/core/zod.ts";
import { daformerHead } from "../../src/models/daformer_head.ts";
import { danetHead } from "../../src/models/danet_head.ts";
import { semiDeeplabV3PlusHead } from "../../src/models/deeplab_v3_plus_head.ts";
import { isaHead } from "../../src/models/isa_head.ts";
import { segformerHead } from "../../src/models/segformer_head.ts";
import {
  meanCrossEntropy,
  validCrossEntropy,
} from "../../src/objectives/cross_entropy.ts";
import {
  checkError,
  type CheckResult,
  maxAbsolute,
  relativeError,
} from "../../src/doctor/check.ts";
import { releaseWeights, weightsToHost } from "../../src/core/weights.ts";
import {
  channelsFirst,
  channelsLastTensor,
  type Golden,
  labelTensor,
  numbersOf,
  parseSidecar,
  recordedWeights,
} from "./golden_file.ts";

const count = z.int().positive();
const widths = z.array(count).min(1);
/** What was recorded of the module in PyTorch, from which the rest was taken. */
const described = z.object({
  reference: z.unknown(),
  batch: z.int().optional(),
  map: z.array(count).optional(),
  labels: z.array(count).optional(),
  ignore_index: z.literal(255).optional(),
}).shape;
const sharedOptions = { classes: count, channels: count, dropout: z.literal(0) };

const Sidecar = z.object({
  config: z.discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("ISAHead"),
      ...described,
      widths,
      options: z.strictObject({ ...sharedOptions, relationChannels: count, cell: count }),
    }),
    z.strictObject({
      type: z.literal("DAHead"),
      ...described,
      widths,
      options: z.strictObject({ ...sharedOptions, reduced: count }),
    }),
    z.strictObject({
      type: z.literal("SegFormerHead"),
      ...described,
      widths,
      options: z.strictObject({
        ...sharedOptions,
        fusionKernelSize: z.literal([1, 3]),
        unusedChannels: count,
      }),
    }),
    z.strictObject({
      type: z.literal("DAFormerHead"),
      ...described,
      widths,
      options: z.strictObject({
        ...sharedOptions,
        fusion: z.literal(["aspp", "separable-aspp"]),
        dilations: widths,
        imagePool: z.boolean(),
      }),
    }),
    z.strictObject({
      type: z.literal("dec_deeplabv3_plus"),
      ...described,
      widths,
      options: z.strictObject({
        ...sharedOptions,
        innerPlanes: count,
        dilations: widths,
        representationHead: z.literal(false),
      }),
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
const SEMI_SUPERVISED_HEAD_NAME = "decoder";
// In the order in which a head gives the logits of its branches.
const AUXILIARY_LOGITS: Partial<Record<HeadConfig["type"], readonly string[]>> = {
  DAHead: ["pam_logits", "cam_logits"],
};
// What is zero in exact arithmetic is measured against this share of the largest gradient.
const MIN_GRADIENT_SHARE = 0.01;

/** Runs the head of a golden on its maps and compares everything that was recorded. */
export async function verifyHead(golden: Golden): Promise<CheckResult[]> {
  const sidecar = parseSidecar(golden, Sidecar);
  const head = buildHead(sidecar.config);
  const weights = recordedWeights(golden, head.parameters, "weights/");
  const maps = sidecar.config.widths.map((_, i) =>
    channelsLastTensor(golden, `input/map${i}`)
  );
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
  const { widths } = config;
  switch (config.type) {
    case "ISAHead": {
      const { relationChannels: isaChannels, cell: downFactor, ...rest } = config.options;
      return isaHead(HEAD_NAME, widths, { ...rest, isaChannels, downFactor });
    }
    case "DAHead": {
      const { reduced: pamChannels, ...rest } = config.options;
      return danetHead(HEAD_NAME, widths, { ...rest, pamChannels });
    }
    case "SegFormerHead": {
      const { unusedChannels, ...rest } = config.options;
      return segformerHead(HEAD_NAME, widths, rest, unusedChannels);
    }
    case "DAFormerHead":
      return daformerHead(HEAD_NAME, widths, config.options);
    case "dec_deeplabv3_plus":
      return semiDeeplabV3PlusHead(SEMI_SUPERVISED_HEAD_NAME, widths, config.options);
  }
}

/** The loss of each reference: a mean over all pixels, or over those with a label. */
function lossOf(
  { type }: HeadConfig,
  logits: tf.Tensor,
  labels: tf.Tensor,
  upsampling: Decoder,
): tf.Scalar {
  return type === "dec_deeplabv3_plus"
    ? validCrossEntropy(logits, labels, upsampling)
    : meanCrossEntropy(logits, labels, null, upsampling);
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
        tf.mul(lossOf(config, logits, labels, head), lossWeight)
      );
      return tf.addN(losses) as tf.Scalar;
    },
  );
  for (const [i, name] of ["logits", ...AUXILIARY_LOGITS[config.type] ?? []].entries()) {
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
