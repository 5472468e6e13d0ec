import type { Decoder } from "../core/network.ts";
import { classifier } from "../layers/classifier.ts";
import { convModule } from "../layers/conv_module.ts";
import { parametersOf } from "../layers/parameter.ts";

/** The shape of an FCN head. */
export interface FcnHeadOptions {
  readonly classes: number;
  /** The map it sees, counted from 0 for the finest. */
  readonly level: number;
  /** Width of each convolution. */
  readonly channels: number;
  /** How many 3×3 convolutions there are, at least 1. */
  readonly convolutions: number;
  /** Share of channels dropped before the classifier. */
  readonly dropout: number;
}

/**
 * The small head that stands beside a decoder: 3×3 convolutions of one map, then the
 * classifier, at the resolution of that map.
 *
 * Source: Long et al., "Fully Convolutional Networks" (CVPR 2015),
 * https://arxiv.org/abs/1411.4038; as mmsegmentation's `FCNHead` without `concat_input`.
 *
 * @param name Prefix of the parameters, "auxiliary_head" in whole networks.
 * @param widths Channels of the encoder's maps, from fine to coarse.
 * @throws {RangeError} If the encoder has no such map, or there is no convolution.
 */
export function fcnHead(
  name: string,
  widths: readonly number[],
  { classes, level, channels, convolutions, dropout }: FcnHeadOptions,
): Decoder {
  const width = widths[level];
  if (width === undefined) {
    throw new RangeError(
      `Cannot build an FCN head on map ${level}: the encoder has maps 0 … ` +
        `${widths.length - 1}; set "level" to one of them`,
    );
  }
  if (convolutions < 1) {
    throw new RangeError(
      `Cannot build an FCN head: "convolutions" must be at least 1: received ${convolutions}`,
    );
  }
  const layers = Array.from(
    { length: convolutions },
    (_, i) =>
      convModule(`${name}.convs.${i}`, i === 0 ? width : channels, channels, {
        kernel: 3,
      }),
  );
  const classify = classifier(name, channels, classes, dropout);
  return {
    parameters: parametersOf(classify, ...layers),
    apply(weights, maps, pass) {
      const map = maps[level];
      if (map === undefined || maps.length !== widths.length) {
        throw new RangeError(
          `Cannot decode ${maps.length} maps: the head was built for ${widths.length}`,
        );
      }
      const seen = layers.reduce((x, layer) => layer.apply(weights, x, pass), map);
      return classify.apply(weights, seen, pass); // [B, H, W, classes]
    },
  };
}
