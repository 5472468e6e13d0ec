/**
 * A pyramid of maps for encoders whose maps are all of one resolution.
 *
 * Source: Bao et al., "BEiT" (ICLR 2022), https://arxiv.org/abs/2106.08254; as
 * mmsegmentation's `Feature2Pyramid`, by whose names the parameters go.
 *
 * @module
 */
import type { Encoder, Layer } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { batchNorm } from "../layers/batch_norm.ts";
import { constantsOf, parametersOf } from "../layers/parameter.ts";
import { transposedConvolution } from "../layers/transposed_convolution.ts";
import { gelu } from "../ops/gelu.ts";
import { maxPool } from "../ops/max_pool.ts";

/** By how much each map is enlarged. */
const FACTORS = [4, 2, 1, 1 / 2] as const;

/** Four maps of one resolution to four others. */
export interface FeaturePyramid extends Layer<tf.Tensor4D[], tf.Tensor4D[]> {
  /** By how much each map is enlarged. */
  readonly factors: readonly number[];
}

/**
 * Enlarges four maps of one resolution by 4, 2, 1 and ½: the first by two transposed
 * convolutions with batch norm and GELU between them, the second by one, the last by
 * taking the largest of 2×2 pixels.
 *
 * @param name Parameters are `<name>.upsample_4x.{0,1,3}.*` and `<name>.upsample_2x.0.*`,
 * "neck" in whole networks.
 * @param width Channels of all maps.
 * @throws {RangeError} When applied, if there are not four maps or they are too small to
 * be halved.
 */
export function featurePyramid(name: string, width: number): FeaturePyramid {
  const enlarge = (part: string) => transposedConvolution(part, width, width, 2);
  const twice = enlarge(`${name}.upsample_4x.0`);
  const norm = batchNorm(`${name}.upsample_4x.1`, width);
  const twiceAgain = enlarge(`${name}.upsample_4x.3`);
  const once = enlarge(`${name}.upsample_2x.0`);
  return {
    factors: FACTORS,
    parameters: parametersOf(twice, norm, twiceAgain, once),
    apply(weights, maps, pass) {
      const [first, second, third, fourth] = maps;
      if (!first || !second || !third || !fourth || maps.length !== FACTORS.length) {
        throw new RangeError(
          `Cannot make a pyramid of ${maps.length} maps: it takes ${FACTORS.length}`,
        );
      }
      const doubled = norm.apply(weights, twice.apply(weights, first, pass), pass);
      return [
        twiceAgain.apply(weights, gelu(doubled), pass), // [B, 4H, 4W, C]
        once.apply(weights, second, pass), // [B, 2H, 2W, C]
        third, // [B, H, W, C]
        maxPool(fourth, { window: 2 }), // [B, H/2, W/2, C]
      ];
    },
  };
}

/**
 * An encoder whose maps are those of a backbone, brought to several resolutions.
 *
 * @throws {RangeError} If the backbone does not have as many maps as the pyramid takes.
 */
export function withPyramid(backbone: Encoder, pyramid: FeaturePyramid): Encoder {
  const { strides, widths } = backbone;
  if (strides.length !== pyramid.factors.length) {
    throw new RangeError(
      `Cannot make a pyramid of ${strides.length} maps: it takes ${pyramid.factors.length}`,
    );
  }
  return {
    strides: strides.map((stride, i) => stride / (pyramid.factors[i] ?? 1)),
    widths,
    parameters: parametersOf(backbone, pyramid),
    constants: constantsOf(backbone),
    apply: (weights, images, pass) =>
      pyramid.apply(weights, backbone.apply(weights, images, pass), pass),
  };
}
