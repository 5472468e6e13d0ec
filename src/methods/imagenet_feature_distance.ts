import { hostInput, uploadHostInput } from "../core/host_input.ts";
import { EVAL_CONTEXT, type Network, type Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import {
  downscaleLabels,
  featureDistance,
  maskOfClasses,
} from "../objectives/feature_distance.ts";
import { scaleToBatch, sliceMicroBatch } from "./gradient_accumulation.ts";
import type { FeatureDistance } from "./source_loss.ts";

/** Where the feature distance counts, and how much. */
export interface FeatureDistanceOptions {
  /** λ */
  readonly lossWeight: number;
  /** Ids of the classes it applies to; null for everywhere. */
  readonly classIds: readonly number[] | null;
  /** A coarse cell belongs to a class that holds at least this share of it. */
  readonly scaleMinRatio: number;
}

/**
 * The distance of the student's coarsest features to those of the network it started from,
 * where the source labels show certain classes.
 *
 * Source: Hoyer et al., "DAFormer" (CVPR 2022), https://arxiv.org/abs/2111.14887, section
 * 3.3.
 *
 * @param frozen Initial weights of the encoder; not changed.
 */
export function imageNetFeatureDistance(
  { encoder, classCount }: Network,
  frozen: Weights,
  { lossWeight, classIds, scaleMinRatio }: FeatureDistanceOptions,
): FeatureDistance {
  return ({ source, host }) => {
    const reference = tf.tidy(() =>
      tf.keep(coarsest(encoder.apply(frozen, source.images, EVAL_CONTEXT)))
    ); // [B, h, w, C]
    const [B, h, w] = reference.shape;
    const factor = Math.floor(host.width / w);
    const mask = classIds === null ? null : tf.keep(uploadHostInput<tf.Rank.R3>(
      hostInput({ host }, ({ host }) => {
        const options = { classCount, factor, scaleMinRatio };
        return maskOfClasses(
          downscaleLabels(host.source.labels, host, options),
          classIds,
        );
      }),
      [B, h, w],
    ));
    return {
      distance(features, microBatch) {
        const x = coarsest(features);
        const frozenFeatures = sliceMicroBatch(reference, microBatch);
        if (mask === null) {
          const mean = featureDistance(x, frozenFeatures, null, lossWeight);
          return scaleToBatch(mean, microBatch);
        }
        const microMask = sliceMicroBatch(mask, microBatch);
        return featureDistance(x, frozenFeatures, microMask, lossWeight, mask);
      },
      release: () => tf.dispose(mask === null ? reference : [reference, mask]),
    };
  };
}

function coarsest(maps: readonly tf.Tensor4D[]): tf.Tensor4D {
  const map = maps.at(-1);
  if (map !== undefined) return map;
  throw new RangeError(
    "Cannot compute the feature distance: the encoder has no feature maps",
  );
}
