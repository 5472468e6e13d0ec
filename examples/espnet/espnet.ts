/**
 * ESPNet, declared by a user of the library: an encoder, a decoder, and the two joined.
 *
 * @module
 */
import { encoderDecoder, type Network } from "../../nn.ts";
import { espnetDecoder } from "./decoder.ts";
import { espnetEncoder } from "./encoder.ts";

/** The shape of an ESPNet. */
export interface EspnetOptions {
  /** What it tells apart. */
  readonly classes: number;
  /**
   * Scores beyond the classes, which are left out; the published CamVid weights have one
   * for pixels of no class.
   *
   * @default {0}
   */
  readonly unused?: number;
  /**
   * ESP modules of the second level.
   *
   * @default {2}
   */
  readonly p?: number;
  /**
   * ESP modules of the third level.
   *
   * @default {8}
   */
  readonly q?: number;
}

/**
 * ESPNet, a small network for street scenes: 0.36 million weights with p = 2 and q = 8.
 *
 * Parameters have the names of the authors' PyTorch files.
 *
 * Source: Mehta et al., "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions for
 * Semantic Segmentation" (ECCV 2018), https://arxiv.org/abs/1803.06815.
 */
export function espnet({ classes, unused = 0, p = 2, q = 8 }: EspnetOptions): Network {
  const encoder = espnetEncoder({ p, q });
  const decoder = espnetDecoder(encoder.channels, classes + unused, classes);
  return encoderDecoder(encoder, decoder, classes);
}
