/**
 * A pyramid of maps for encoders whose maps are all of one resolution.
 *
 * Source: Bao et al., "BEiT" (ICLR 2022), https://arxiv.org/abs/2106.08254; as
 * mmsegmentation's `Feature2Pyramid`, whose names the parameters have.
 *
 * @module
 */
import type { Encoder, Layer } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { transposedConvolution } from "../layers/convolution.ts";
import { batchNorm } from "../layers/normalization.ts";
import { derivedBuffersOf, parametersOf } from "../layers/parameter.ts";
import { pipe, withoutParameters } from "../layers/sequential.ts";
import { gelu } from "../ops/gelu/gelu.ts";
import { maxPool } from "../ops/pool/max_pool.ts";

/** The factors by which the maps are upsampled. */
const SCALES = [4, 2, 1, 1 / 2] as const;

/** Four maps of one resolution to four others. */
export interface Feature2Pyramid extends Layer<tf.Tensor4D[], tf.Tensor4D[]> {
  /** The factors by which the maps are upsampled. */
  readonly scales: readonly number[];
}

/**
 * Upsamples four maps of one resolution by 4, 2, 1 and ½: the first by two transposed
 * convolutions with batch norm and GELU between them, the second by one, the last by
 * max pooling of 2×2 pixels.
 *
 * @param name Parameters are `<name>.upsample_4x.{0,1,3}.*` and `<name>.upsample_2x.0.*`,
 * "neck" in whole networks.
 * @param channels Channels of all maps.
 * @throws {RangeError} When applied, if there are not four maps or they are too small to
 * be halved.
 */
export function feature2Pyramid(name: string, channels: number): Feature2Pyramid {
  const upsample = (layer: string) =>
    transposedConvolution(`${name}.${layer}`, channels, channels, 2);
  const upsample4x = pipe(
    upsample("upsample_4x.0"),
    batchNorm(`${name}.upsample_4x.1`, channels),
    withoutParameters(gelu),
    upsample("upsample_4x.3"),
  );
  const upsample2x = upsample("upsample_2x.0");
  return {
    scales: SCALES,
    parameters: parametersOf(upsample4x, upsample2x),
    apply(weights, maps, context) {
      const [first, second, third, fourth] = maps;
      if (!first || !second || !third || !fourth || maps.length !== SCALES.length) {
        throw wrongMapCount(maps.length);
      }
      return [
        upsample4x.apply(weights, first, context), // [B, 4H, 4W, C]
        upsample2x.apply(weights, second, context), // [B, 2H, 2W, C]
        third, // [B, H, W, C]
        maxPool(fourth, { window: 2 }), // [B, H/2, W/2, C]
      ];
    },
  };
}

const wrongMapCount = (count: number) =>
  new RangeError(`Cannot make a pyramid of ${count} maps: it takes ${SCALES.length}`);

/**
 * An encoder whose maps are those of a backbone, resampled to several resolutions.
 *
 * @throws {RangeError} If the backbone does not have as many maps as the pyramid takes.
 */
export function withNeck(backbone: Encoder, neck: Feature2Pyramid): Encoder {
  const { strides, channels } = backbone;
  if (strides.length !== neck.scales.length) {
    throw wrongMapCount(strides.length);
  }
  return {
    strides: strides.map((stride, i) => stride / (neck.scales[i] ?? 1)),
    channels,
    parameters: parametersOf(backbone, neck),
    derivedBuffers: derivedBuffersOf(backbone),
    apply: (weights, images, context) =>
      neck.apply(weights, backbone.apply(weights, images, context), context),
  };
}
