/**
 * The decoder of DPT as UniMatch V2 has it: four maps, reassembled at four resolutions and
 * fused from coarse to fine by residual units, without batch norm.
 *
 * Source: Ranftl et al., "Vision Transformers for Dense Prediction" (ICCV 2021),
 * https://arxiv.org/abs/2103.13413; Yang et al., "UniMatch V2" (TPAMI 2025),
 * https://arxiv.org/abs/2410.10777, whose names the parameters have.
 *
 * @module
 */
import type { Decoder, Encoder, Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { convolution, transposedConvolution } from "../layers/convolution.ts";
import { parametersOf } from "../layers/parameter.ts";
import { pipe, withoutParameters } from "../layers/sequential.ts";
import { relu } from "../ops/relu/relu.ts";
import { resizeBilinear } from "../ops/resize/resize.ts";
import { featureMapAt, type HeadOptions } from "./feature_map.ts";

const LEVELS = 4;
const ALIGNED = { alignCorners: true } as const;

/** The shape of a DPT head. */
export interface DptHeadOptions extends Pick<HeadOptions, "classes" | "channels"> {
  /** Channels of the four maps before they are fused, from fine to coarse. */
  readonly levelChannels: readonly number[];
}

/**
 * Builds the decoder. Maps of one resolution are enlarged by 4, 2, 1 and ½; a pyramid is
 * taken as it is. Logits are twice as large as the finest level.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks; "head" there.
 * @param encoder The channels of its four maps, and their strides.
 * @throws {RangeError} If there are not four maps, or not four `levelChannels`.
 */
export function dptHead(
  name: string,
  { channels: inChannels, strides }: Pick<Encoder, "channels" | "strides">,
  { classes, channels, levelChannels }: DptHeadOptions,
): Decoder {
  if (inChannels.length !== LEVELS || levelChannels.length !== LEVELS) {
    throw new RangeError(
      `Cannot build a DPT head for ${inChannels.length} maps of an encoder and ` +
        `${levelChannels.length} "levelChannels": both must be ${LEVELS}`,
    );
  }
  const [stride = 1] = strides;
  const isOneResolution = strides.every((one) => one === stride);
  const scratch = `${name}.scratch`;
  const conv3x3 = (name: string, from: number, to: number, bias = true) =>
    convolution(name, from, to, { kernelSize: 3, padding: 1, bias, init: "pytorch" });
  const projects = levelChannels.map((width, i) =>
    convolution(`${name}.projects.${i}`, inChannels[i] ?? 0, width, {
      kernelSize: 1,
      init: "pytorch",
    })
  );
  const resizes = levelChannels.map((width, i) => {
    const layerName = `${name}.resize_layers.${i}`;
    if (!isOneResolution || i === 2) return pipe();
    if (i < 2) return transposedConvolution(layerName, width, width, i === 0 ? 4 : 2);
    const filter = { kernelSize: 3, stride: 2, padding: 1, init: "pytorch" } as const;
    return convolution(layerName, width, width, filter);
  });
  const inputs = levelChannels.map((width, i) =>
    conv3x3(`${scratch}.layer${i + 1}_rn`, width, channels, false)
  );
  const residualUnit = (name: string): Layer => {
    const change = pipe(
      withoutParameters(relu),
      conv3x3(`${name}.conv1`, channels, channels),
      withoutParameters(relu),
      conv3x3(`${name}.conv2`, channels, channels),
    );
    return {
      parameters: change.parameters,
      apply: (weights, x, context) => tf.add(change.apply(weights, x, context), x),
    };
  };
  const fusions = levelChannels.map((_, i) => {
    const block = `${scratch}.refinenet${i + 1}`;
    return {
      out: convolution(`${block}.out_conv`, channels, channels, {
        kernelSize: 1,
        init: "pytorch",
      }),
      unit1: residualUnit(`${block}.resConfUnit1`),
      unit2: residualUnit(`${block}.resConfUnit2`),
    };
  });
  const classify = pipe(
    conv3x3(`${scratch}.output_conv.0`, channels, channels),
    withoutParameters(relu),
    convolution(`${scratch}.output_conv.2`, channels, classes, {
      kernelSize: 1,
      init: "pytorch",
    }),
  );
  const fusionParameters = fusions.flatMap(({ out, unit1, unit2 }, i) => [
    ...out.parameters,
    // The coarsest level has nothing to be added to.
    ...unit1.parameters.map((parameter) =>
      i === LEVELS - 1 ? { ...parameter, isUnused: true } : parameter
    ),
    ...unit2.parameters,
  ]);
  return {
    ...ALIGNED,
    parameters: [
      ...parametersOf(...projects, ...resizes, ...inputs),
      ...fusionParameters,
      ...classify.parameters,
    ],
    apply(weights, maps, context) {
      const levels = projects.map((project, i) => {
        const layers = [project, resizes[i] ?? pipe(), inputs[i] ?? pipe()];
        return pipe(...layers)
          .apply(weights, featureMapAt(maps, inChannels, i), context);
      });
      let path: tf.Tensor4D | null = null;
      for (const [i, { out, unit1, unit2 }] of [...fusions.entries()].reverse()) {
        const level = featureMapAt(levels, levelChannels, i);
        const [, H, W] = levels[i - 1]?.shape ?? doubled(level);
        const fused: tf.Tensor4D = path === null
          ? level
          : tf.add(path, unit1.apply(weights, level, context));
        const refined = unit2.apply(weights, fused, context);
        path = out.apply(weights, resizeBilinear(refined, [H, W], ALIGNED), context);
      }
      const finest = path ?? featureMapAt(levels, levelChannels, 0);
      const logits = classify.apply(weights, finest, context); // [B, 2H, 2W, classes]
      if (context.training || !isOneResolution) return logits;
      // Where the encoder resized the images, logits take two steps to their size.
      const [, H, W] = featureMapAt(maps, inChannels, 0).shape;
      return resizeBilinear(logits, [stride * H, stride * W], ALIGNED);
    },
  };
}

const doubled = ({ shape: [B, H, W, C] }: tf.Tensor4D) => [B, 2 * H, 2 * W, C] as const;
