import type { Decoder } from "../core/network.ts";
import { convolution, transposedConvolution } from "../layers/convolution.ts";
import { layerNorm } from "../layers/normalization.ts";
import { pipe, withoutParameters } from "../layers/sequential.ts";
import { gelu } from "../ops/gelu/gelu.ts";
import { type HeadOptions, singleMapDecoder } from "./feature_map.ts";

const EPSILON = 1e-6;
// Standard deviation of a fresh classifier.
const INIT_STD = 0.1;

/**
 * The light decoder of VFM-UDA: the coarsest map, enlarged twice by transposed
 * convolutions that halve its channels C, and classified. Logits are four times as large
 * as the map.
 *
 * Source: Englert et al., "Exploring the Benefits of Vision Foundation Models for
 * Unsupervised Domain Adaptation" (CVPR workshops 2024),
 * https://arxiv.org/abs/2406.09896, whose names the parameters have.
 *
 * @param name Parameters are `<name>.upscale.{0,1,3,4,5,6}.*` and `<name>.out.weight`; the
 * name is "decode_head" in whole networks.
 * @param inChannels C, the last of them, must be a multiple of 4.
 * @throws {RangeError} If it is not.
 */
export function vfmUdaHead(
  name: string,
  inChannels: readonly number[],
  { classes }: Pick<HeadOptions, "classes">,
): Decoder {
  const C = inChannels.at(-1) ?? 0;
  if (C % 4 !== 0) {
    throw new RangeError(
      `Cannot build a VFM-UDA head: it quarters the encoder's channels, which must be a ` +
        `multiple of 4: received ${C}`,
    );
  }
  const layer = (i: number) => `${name}.upscale.${i}`;
  const noBias = { bias: false } as const;
  const upscale = pipe(
    transposedConvolution(layer(0), C, C / 2, 2, noBias), // [B, 2H, 2W, C/2]
    layerNorm(layer(1), C / 2, EPSILON),
    withoutParameters(gelu),
    transposedConvolution(layer(3), C / 2, C / 4, 2, noBias), // [B, 4H, 4W, C/4]
    layerNorm(layer(4), C / 4, EPSILON),
    convolution(layer(5), C / 4, C / 4, {
      kernelSize: 3,
      padding: 1,
      init: "pytorch",
      ...noBias,
    }),
    layerNorm(layer(6), C / 4, EPSILON),
  );
  const classify = convolution(`${name}.out`, C / 4, classes, {
    kernelSize: 1,
    init: INIT_STD,
    ...noBias,
  });
  return singleMapDecoder(inChannels, -1, pipe(upscale, classify));
}
