/**
 * What decoders share. All are built from the prefix of their parameters' names, from
 * `inChannels`, the channels of the encoder's maps from fine to coarse, and from options.
 *
 * @module
 */
import type { Decoder, Layer } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { parametersOf } from "../layers/parameter.ts";
import { pipe } from "../layers/sequential.ts";

/** What the options of most heads have in common. */
export interface HeadOptions {
  /** Channels of the logits. */
  readonly classes: number;
  /** Channels of the maps of the head. */
  readonly channels: number;
  /** Share of channels dropped before each classifier. */
  readonly dropout: number;
}

/**
 * One of an encoder's maps.
 *
 * @param inChannels Channels of the maps that the head was built for.
 * @param level Counted from 0 for the finest, or from −1 for the coarsest.
 * @throws {RangeError} If there are more or fewer maps than that, or none of that level.
 */
export function featureMapAt(
  maps: readonly tf.Tensor4D[],
  inChannels: readonly number[],
  level: number,
): tf.Tensor4D {
  const map = maps.at(level);
  if (map === undefined || maps.length !== inChannels.length) {
    throw new RangeError(
      `Cannot decode ${maps.length} maps: the head was built for ${inChannels.length}`,
    );
  }
  return map;
}

/**
 * A decoder of one map, at the resolution of that map.
 *
 * @param level See {@linkcode featureMapAt}.
 * @param layer Of the map.
 * @param classify After the layer; its parameters come first, as in mmsegmentation.
 */
export function singleMapDecoder(
  inChannels: readonly number[],
  level: number,
  layer: Layer,
  classify: Layer = pipe(),
): Decoder {
  const layers = pipe(layer, classify);
  return {
    parameters: parametersOf(classify, layer),
    apply: (weights, maps, context) =>
      layers.apply(weights, featureMapAt(maps, inChannels, level), context), // [B, H, W, classes]
  };
}
