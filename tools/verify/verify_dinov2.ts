/** Verifies `dinov2_*` goldens: maps or logits of a DINOv2, and gradients. @module */
import { readBack } from "../../src/core/backend.ts";
import { lossAndGradient } from "../../src/core/backward.ts";
import { EVAL_CONTEXT, type ForwardContext } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { releaseWeights, weightsToHost } from "../../src/core/weights.ts";
import * as z from "../../src/core/zod.ts";
import {
  checkError,
  type CheckResult,
  maxAbsolute,
  relativeError,
} from "../../src/doctor/check.ts";
import { parametersOf } from "../../src/layers/parameter.ts";
import { dinov2 } from "../../src/models/dinov2.ts";
import { dptHead } from "../../src/models/dpt_head.ts";
import { vfmUdaHead } from "../../src/models/vfm_uda_head.ts";
import { resizeLogits } from "../../src/objectives/cross_entropy.ts";
import {
  channelsFirst,
  type Golden,
  numbersOf,
  parseSidecar,
  recordedWeights,
  tensorsUnder,
} from "./golden_file.ts";

const count = z.int().positive();
const channelsFirstShape = z.tuple([count, z.literal(3), count, count]);

const Sidecar = z.object({
  config: z.strictObject({
    encoder: z.strictObject({
      embedDim: count,
      depth: count,
      numHeads: count,
      outIndices: z.array(z.int().nonnegative()),
      registers: z.boolean(),
      imageSize: count,
      inputScale: z.number(),
      dropPathRate: z.literal(0),
      layerScaleInit: z.number(),
      positionResize: z.strictObject({ offset: z.number() }).optional(),
    }),
    decoder: z.discriminatedUnion("name", [
      z.strictObject({
        name: z.literal("dpt"),
        classes: count,
        channels: count,
        levelChannels: z.array(count),
      }),
      z.strictObject({ name: z.literal("vfm-uda"), classes: count }),
    ]).nullable(),
    image: channelsFirstShape,
    mask: z.array(z.literal([0, 1])).nullable(),
    odd: channelsFirstShape.optional(),
  }),
  loss: z.number(),
  max_abs_grad_over_all_params: z.number(),
  tolerance: z.object({
    forward_rel: z.number(),
    loss_rel: z.number(),
    grad_rel: z.number(),
  }),
});

// Of sin and cos, by which images and the gradients of outputs are made.
const [IMAGE_STEP, COTANGENT_STEP] = [0.37, 0.61];
// Gradients are measured against this share of the network's largest one as well.
const MIN_GRADIENT_SHARE = 0.01;

type Shape = readonly [number, number, number, number];

/** Runs the network of a golden and compares everything that was recorded. */
export async function verifyDinov2(golden: Golden): Promise<CheckResult[]> {
  const { config, tolerance, ...sidecar } = parseSidecar(golden, Sidecar);
  const { positionResize, ...shape } = config.encoder;
  const encoder = dinov2("backbone", {
    ...shape,
    ...positionResize && { positionResize },
  });
  const decoder = config.decoder === null
    ? null
    : config.decoder.name === "dpt"
    ? dptHead("decode_head", encoder, config.decoder)
    : vfmUdaHead("decode_head", encoder.channels, config.decoder);
  const parameters = parametersOf(encoder, ...(decoder ? [decoder] : []));
  const weights = recordedWeights(golden, parameters, "weights/");
  const outputsOf = (imageShape: Shape, context: ForwardContext): tf.Tensor4D[] => {
    const images = wave(Math.sin, IMAGE_STEP, imageShape);
    const { mask } = config;
    const tokenMask = mask && ((of: Shape) => tf.tensor4d(mask, [...of]));
    const masked = { ...context, ...tokenMask && { tokenMask } };
    const maps = encoder.apply(weights, images, masked);
    if (decoder === null) return maps.map(channelsFirst);
    const [, , H, W] = imageShape;
    const logits = decoder.apply(weights, maps, context);
    return [channelsFirst(resizeLogits(logits, [H, W], decoder))];
  };
  const nameOf = (i: number) => decoder === null ? `output/map${i}` : "output/logits";
  const results: CheckResult[] = [];
  const compare = async (key: string, output: tf.Tensor) => {
    const stored = golden.tensors.get(key);
    const expected = stored === undefined ? [] : numbersOf(stored);
    const error = relativeError(await readBack(output), expected);
    results.push(checkError(key, error, tolerance.forward_rel));
    output.dispose();
  };
  const { image, odd } = config;
  const inEvaluation = tf.tidy(() => outputsOf(image, EVAL_CONTEXT));
  for (const [i, output] of inEvaluation.entries()) await compare(nameOf(i), output);
  if (odd !== undefined) {
    const [output] = tf.tidy(() => outputsOf(odd, EVAL_CONTEXT));
    if (output !== undefined) await compare("output/odd", output);
  }
  const { value, gradient } = lossAndGradient(parameters, weights, () => {
    const outputs = outputsOf(image, { training: true, rngKey: null });
    const losses = outputs.map((output) =>
      tf.sum(tf.mul(output, wave(Math.cos, COTANGENT_STEP, output.shape, false)))
    );
    return tf.addN(losses) as tf.Scalar;
  });
  const [loss = NaN] = await readBack(value);
  const lossError = Math.abs(loss / sidecar.loss - 1);
  results.push(checkError("loss", lossError, tolerance.loss_rel));
  const found = await weightsToHost(parameters, gradient);
  const least = MIN_GRADIENT_SHARE * sidecar.max_abs_grad_over_all_params;
  for (const [name, expected] of tensorsUnder(golden, "grad/weights/")) {
    const ours = found.get(name);
    const b = numbersOf(expected);
    // What nothing depends on has no gradient here, and one of 0 there.
    const a = ours === undefined ? new Float32Array(b.length) : numbersOf(ours);
    const { error, largest } = maxAbsolute(a, b);
    results.push(
      checkError(`grad/${name}`, error / (largest + least), tolerance.grad_rel),
    );
  }
  value.dispose();
  releaseWeights(gradient);
  releaseWeights(weights);
  return results;
}

// Element i in the order [B, C, H, W] is f(step · i); by default as [B, H, W, C].
function wave(
  f: (angle: number) => number,
  step: number,
  shape: Shape,
  isChannelsLast = true,
): tf.Tensor4D {
  const [B, C, H, W] = shape;
  const values = Float32Array.from({ length: B * C * H * W }, (_, i) => f(step * i));
  const map = tf.tensor4d(values, [B, C, H, W]);
  return isChannelsLast ? tf.transpose(map, [0, 2, 3, 1]) : map;
}
