/** What happens to the pixels of a batch: losses, pseudo-labels, augmentation. @module */
import { IMAGENET } from "../../src/core/host_batch.ts";
import * as tf from "../../src/core/tf.ts";
import { argmaxConfidence } from "../../src/ops/argmax_confidence.ts";
import { channelDistance } from "../../src/ops/channel_distance.ts";
import { classMask, LABEL_VALUES, pasteSource } from "../../src/ops/class_mix.ts";
import { colorJitter } from "../../src/ops/color_jitter.ts";
import { softmaxCrossEntropy } from "../../src/ops/cross_entropy.ts";
import { separableBlur } from "../../src/ops/gaussian_blur.ts";
import { percentile, valueOfRank } from "../../src/ops/order_statistic.ts";
import { upsampledBelief } from "../../src/ops/upsampled_belief.ts";
import { upsampledCrossEntropy } from "../../src/ops/upsampled_cross_entropy.ts";
import { argmaxConfidence as stockArgmaxConfidence } from "../stock/argmax_confidence.ts";
import { channelDistance as stockChannelDistance } from "../stock/channel_distance.ts";
import * as stockClassMix from "../stock/class_mix.ts";
import { colorJitter as stockColorJitter } from "../stock/color_jitter.ts";
import { softmaxCrossEntropy as stockCrossEntropy } from "../stock/cross_entropy.ts";
import { separableBlur as stockSeparableBlur } from "../stock/gaussian_blur.ts";
import * as stockOrder from "../stock/order_statistic.ts";
import { upsampledBelief as stockUpsampledBelief } from "../stock/upsampled_belief.ts";
import { upsampledCrossEntropy as stockUpsampledCrossEntropy } from "../stock/upsampled_cross_entropy.ts";
import type { MapShape } from "./convolution.ts";
import { classIds, numbers, type Pair, pair } from "./pair.ts";

/** The loss of every pixel. */
export function crossEntropyPair(shape: MapShape): Pair {
  const [B, H, W, C] = shape;
  return pair(
    () => [numbers(shape), classIds([B, H, W], C)],
    [
      (logits, labels) => softmaxCrossEntropy(logits as tf.Tensor, labels as tf.Tensor),
      (logits, labels) => stockCrossEntropy(logits as tf.Tensor, labels as tf.Tensor),
    ],
    { slopes: 1 },
  );
}

/** The loss of every pixel of logits that are enlarged, summed. */
export function upsampledCrossEntropyPair(shape: MapShape, factor: number): Pair {
  const [B, H, W, C] = shape;
  const both = (lossOf: typeof upsampledCrossEntropy) => (...inputs: tf.Tensor[]) => {
    const [logits, labels] = inputs as [tf.Tensor, tf.Tensor];
    return lossOf(logits, labels, null);
  };
  return pair(
    () => [numbers(shape), classIds([B, factor * H, factor * W], C)],
    [both(upsampledCrossEntropy), both(stockUpsampledCrossEntropy)],
    { slopes: 1 },
  );
}

/** Pseudo-labels of enlarged logits, their confidence and how often it is high. */
export function upsampledBeliefPair(shape: MapShape, factor: number): Pair {
  const [, H, W] = shape;
  const both = (believe: typeof upsampledBelief) => (logits?: tf.Tensor) => {
    const size = [factor * H, factor * W] as const;
    const { labels, confidence, share } = believe(logits as tf.Tensor4D, size, 0.5);
    return [labels, confidence, share];
  };
  return pair(
    () => [numbers(shape)],
    [both(upsampledBelief), both(stockUpsampledBelief)],
  );
}

/** Pseudo-labels and their confidence. */
export function argmaxConfidencePair(shape: MapShape): Pair {
  const both = (belief: typeof argmaxConfidence) => (logits?: tf.Tensor) => {
    const { labels, confidence } = belief(logits as tf.Tensor);
    return [labels, confidence];
  };
  return pair(
    () => [numbers(shape)],
    [both(argmaxConfidence), both(stockArgmaxConfidence)],
  );
}

/** How far features are from those of a frozen network. */
export function channelDistancePair(shape: MapShape): Pair {
  return pair(
    () => [numbers(shape), numbers(shape, "frozen")],
    [
      (a, b) => channelDistance(a as tf.Tensor, b as tf.Tensor),
      (a, b) => stockChannelDistance(a as tf.Tensor, b as tf.Tensor),
    ],
    { slopes: 2 },
  );
}

/** Choosing pixels by class, and pasting them. */
export function classMixPair([B, H, W]: readonly [number, number, number]): Pair {
  const CLASSES = 19;
  const mix = ({ classMask, pasteSource }: typeof stockClassMix) =>
  (
    ...inputs: tf.Tensor[]
  ) => {
    const [images, labels, targetImages, targetLabels, weights, chosen] = inputs as [
      tf.Tensor,
      ...[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
    ];
    return tf.tidy(() => {
      const target = { images: targetImages, labels: targetLabels, weights };
      const mixed = pasteSource(classMask(labels, chosen), { images, labels }, target);
      return [mixed.images, mixed.labels, mixed.weights];
    });
  };
  return pair(
    () => {
      const chosen = new Int32Array(B * LABEL_VALUES);
      chosen.forEach((_, i) => chosen[i] = i % 2);
      return [
        numbers([B, H, W, 3]),
        classIds([B, H, W], CLASSES),
        numbers([B, H, W, 3], "target"),
        tf.onesLike(classIds([B, H, W], CLASSES)),
        numbers([B, H, W], "weights"),
        tf.tensor2d(chosen, [B, LABEL_VALUES], "int32"),
      ];
    },
    [mix({ classMask, pasteSource, LABEL_VALUES }), mix(stockClassMix)],
  );
}

/** Brightness, contrast, saturation and hue. */
export function colorJitterPair([B, H, W]: readonly [number, number, number]): Pair {
  // Brightness, contrast, saturation and hue, then their order.
  const sample = [1.1, 0.9, 0.85, 0.12, 1, 3, 0, 2];
  const settings = Array.from({ length: B }, () => sample).flat();
  return pair(
    () => [numbers([B, H, W, 3]), tf.tensor2d(settings, [B, sample.length])],
    [
      (x, own) => colorJitter(x as tf.Tensor4D, own as tf.Tensor2D, IMAGENET),
      (x, own) => stockColorJitter(x as tf.Tensor4D, own as tf.Tensor2D, IMAGENET),
    ],
    // Hue turns around where the largest two channels are nearly equal.
    { tolerance: 1e-3 },
  );
}

/** A blur of seventeen taps per axis. */
export function gaussianBlurPair([B, H, W]: readonly [number, number, number]): Pair {
  const TAPS = 17;
  // Any; made on the host, as those of a run.
  const weights = (step: number) => {
    const cells = Float32Array.from({ length: B * TAPS }, (_, i) => (step * i) % TAPS);
    return tf.tensor2d(cells.map((cell) => cell / TAPS ** 2), [B, TAPS]);
  };
  type Inputs = [tf.Tensor4D, tf.Tensor2D, tf.Tensor2D];
  return pair(
    () => [
      numbers([B, H, W, 3]),
      weights(2),
      weights(3),
    ],
    [
      (...inputs) => separableBlur(...inputs as Inputs),
      (...inputs) => stockSeparableBlur(...inputs as Inputs),
    ],
  );
}

/** A percentile and a value by its rank. */
export function orderStatisticPair(size: number): Pair {
  const rank = Math.floor(size / 3);
  return pair(
    () => [numbers([size])],
    [
      (x) => [percentile(x as tf.Tensor, 80), valueOfRank(x as tf.Tensor, rank)],
      (x) => [
        stockOrder.percentile(x as tf.Tensor, 80),
        stockOrder.valueOfRank(x as tf.Tensor, rank),
      ],
    ],
  );
}
