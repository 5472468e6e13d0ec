import { EVALUATION, type Network, type Weights } from "../core/network.ts";
import { decide, upload } from "../core/decided.ts";
import * as tf from "../core/tf.ts";
import { downscaleLabels, membership } from "../objectives/downscale_label.ts";
import { featureDistance } from "../objectives/feature_distance.ts";
import { cut, shareOf } from "./portions.ts";
import type { Anchor } from "./source_loss.ts";

/** Which features are kept near the frozen ones, and how strongly. */
export interface FeatureAnchorOptions {
  /** λ */
  readonly weight: number;
  /** Ids of the classes it applies to; null for everywhere. */
  readonly classes: readonly number[] | null;
  /** A coarse cell belongs to a class that holds at least this share of it. */
  readonly minimumShare: number;
}

/**
 * Keeps the student's coarsest features near those of the network it started from, where
 * the source labels show certain classes.
 *
 * Source: Hoyer et al., "DAFormer" (CVPR 2022), https://arxiv.org/abs/2111.14887, section
 * 3.3.
 *
 * @param frozen Weights of the encoder at the start; left unchanged.
 */
export function featureAnchor(
  { encoder, classes }: Network,
  frozen: Weights,
  options: FeatureAnchorOptions,
): Anchor {
  return ({ source, host }) => {
    const reference = tf.tidy(() =>
      tf.keep(coarsest(encoder.apply(frozen, source.images, EVALUATION)))
    ); // [B, h, w, C]
    const [B, h, w] = reference.shape;
    const { classes: anchored, minimumShare } = options;
    const factor = Math.floor(host.width / w);
    const mask = anchored === null ? null : tf.keep(upload<tf.Rank.R3>(
      decide({ host }, ({ host }) => {
        const { labels } = host.source;
        const coarse = downscaleLabels(labels, host, { classes, factor, minimumShare });
        return membership(coarse, anchored);
      }),
      [B, h, w],
    ));
    return {
      distance(features, portion) {
        const own = [coarsest(features), cut(reference, portion)] as const;
        if (mask !== null) {
          return featureDistance(...own, cut(mask, portion), options.weight, mask);
        }
        return shareOf(featureDistance(...own, null, options.weight), portion);
      },
      release: () => tf.dispose(mask === null ? reference : [reference, mask]),
    };
  };
}

function coarsest(maps: readonly tf.Tensor4D[]): tf.Tensor4D {
  const last = maps[maps.length - 1];
  if (last === undefined) throw new RangeError("Cannot anchor: the encoder has no maps");
  return last;
}
