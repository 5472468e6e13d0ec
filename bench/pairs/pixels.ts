/** What happens to the pixels of a batch: losses, pseudo-labels, augmentation. @module */
import { IMAGENET } from "../../src/core/host_batch.ts";
import * as tf from "../../src/core/tf.ts";
import { argmaxConfidence } from "../../src/ops/argmax_confidence/argmax_confidence.ts";
import { channelDistance } from "../../src/ops/channel_distance/channel_distance.ts";
import {
  classMask,
  LABEL_VALUES,
  pasteSource,
} from "../../src/ops/class_mix/class_mix.ts";
import { colorJitter } from "../../src/ops/color_jitter/color_jitter.ts";
import { softmaxCrossEntropy } from "../../src/ops/cross_entropy/cross_entropy.ts";
import { separableBlur } from "../../src/ops/separable_blur/separable_blur.ts";
import { kthValue, percentile } from "../../src/ops/order_statistic/order_statistic.ts";
import { upsampledArgmax } from "../../src/ops/argmax_confidence/upsampled_argmax.ts";
import { upsampledCrossEntropy } from "../../src/ops/cross_entropy/upsampled_cross_entropy.ts";
import { argmaxConfidence as tfjsArgmaxConfidence } from "../tfjs/argmax_confidence.ts";
import { channelDistance as tfjsChannelDistance } from "../tfjs/channel_distance.ts";
import * as tfjsClassMix from "../tfjs/class_mix.ts";
import { colorJitter as tfjsColorJitter } from "../tfjs/color_jitter.ts";
import { softmaxCrossEntropy as tfjsCrossEntropy } from "../tfjs/cross_entropy.ts";
import { separableBlur as tfjsSeparableBlur } from "../tfjs/separable_blur.ts";
import * as tfjsOrder from "../tfjs/order_statistic.ts";
import { upsampledArgmax as tfjsUpsampledArgmax } from "../tfjs/upsampled_argmax.ts";
import { upsampledCrossEntropy as tfjsUpsampledCrossEntropy } from "../tfjs/upsampled_cross_entropy.ts";
import type { MapShape } from "./convolution.ts";
import { normalTensor, type Pair, pair, randomClassIds } from "./pair.ts";

/** The loss of every pixel. */
export function crossEntropyPair(shape: MapShape): Pair {
  const [B, H, W, C] = shape;
  return pair(
    () => [normalTensor(shape), randomClassIds([B, H, W], C)],
    [
      (logits, labels) => softmaxCrossEntropy(logits as tf.Tensor, labels as tf.Tensor),
      (logits, labels) => tfjsCrossEntropy(logits as tf.Tensor, labels as tf.Tensor),
    ],
    { differentiableInputs: 1 },
  );
}

/** The summed loss of every pixel of upsampled logits. */
export function upsampledCrossEntropyPair(shape: MapShape, factor: number): Pair {
  const [B, H, W, C] = shape;
  const both = (lossOf: typeof upsampledCrossEntropy) => (...inputs: tf.Tensor[]) => {
    const [logits, labels] = inputs as [tf.Tensor, tf.Tensor];
    return lossOf(logits, labels, null);
  };
  return pair(
    () => [normalTensor(shape), randomClassIds([B, factor * H, factor * W], C)],
    [both(upsampledCrossEntropy), both(tfjsUpsampledCrossEntropy)],
    { differentiableInputs: 1 },
  );
}

/** Pseudo-labels of upsampled logits, their confidence and how often it is high. */
export function upsampledArgmaxPair(shape: MapShape, factor: number): Pair {
  const [, H, W] = shape;
  const withInputs =
    (upsampledArgmaxOf: typeof upsampledArgmax) => (logits?: tf.Tensor) => {
      const size = [factor * H, factor * W] as const;
      const { labels, confidence, confidentShare } = upsampledArgmaxOf(
        logits as tf.Tensor4D,
        size,
        0.5,
      );
      return [labels, confidence, confidentShare];
    };
  return pair(
    () => [normalTensor(shape)],
    [withInputs(upsampledArgmax), withInputs(tfjsUpsampledArgmax)],
  );
}

/** Pseudo-labels and their confidence. */
export function argmaxConfidencePair(shape: MapShape): Pair {
  const withInputs =
    (argmaxConfidenceOf: typeof argmaxConfidence) => (logits?: tf.Tensor) => {
      const { labels, confidence } = argmaxConfidenceOf(logits as tf.Tensor);
      return [labels, confidence];
    };
  return pair(
    () => [normalTensor(shape)],
    [withInputs(argmaxConfidence), withInputs(tfjsArgmaxConfidence)],
  );
}

/** How far features are from those of a frozen network. */
export function channelDistancePair(shape: MapShape): Pair {
  return pair(
    () => [normalTensor(shape), normalTensor(shape, "frozen")],
    [
      (a, b) => channelDistance(a as tf.Tensor, b as tf.Tensor),
      (a, b) => tfjsChannelDistance(a as tf.Tensor, b as tf.Tensor),
    ],
    { differentiableInputs: 2 },
  );
}

/** Choosing pixels by class, and pasting them. */
export function classMixPair([B, H, W]: readonly [number, number, number]): Pair {
  const CLASSES = 19;
  const mix = ({ classMask, pasteSource }: typeof tfjsClassMix) =>
  (
    ...inputs: tf.Tensor[]
  ) => {
    const [images, labels, targetImages, targetLabels, pixelWeights, chosen] = inputs as [
      tf.Tensor,
      ...[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
    ];
    return tf.tidy(() => {
      const target = { images: targetImages, labels: targetLabels, pixelWeights };
      const mixed = pasteSource(classMask(labels, chosen), { images, labels }, target);
      return [mixed.images, mixed.labels, mixed.pixelWeights];
    });
  };
  return pair(
    () => {
      const chosen = new Int32Array(B * LABEL_VALUES);
      chosen.forEach((_, i) => chosen[i] = i % 2);
      return [
        normalTensor([B, H, W, 3]),
        randomClassIds([B, H, W], CLASSES),
        normalTensor([B, H, W, 3], "target"),
        tf.onesLike(randomClassIds([B, H, W], CLASSES)),
        normalTensor([B, H, W], "weights"),
        tf.tensor2d(chosen, [B, LABEL_VALUES], "int32"),
      ];
    },
    [mix({ classMask, pasteSource, LABEL_VALUES }), mix(tfjsClassMix)],
  );
}

/** Brightness, contrast, saturation and hue. */
export function colorJitterPair([B, H, W]: readonly [number, number, number]): Pair {
  // Brightness, contrast, saturation and hue, then their order.
  const sample = [1.1, 0.9, 0.85, 0.12, 1, 3, 0, 2];
  const settings = Array.from({ length: B }, () => sample).flat();
  return pair(
    () => [normalTensor([B, H, W, 3]), tf.tensor2d(settings, [B, sample.length])],
    [
      (x, factors) => colorJitter(x as tf.Tensor4D, factors as tf.Tensor2D, IMAGENET),
      (x, factors) => tfjsColorJitter(x as tf.Tensor4D, factors as tf.Tensor2D, IMAGENET),
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
    const values = Float32Array.from({ length: B * TAPS }, (_, i) => (step * i) % TAPS);
    return tf.tensor2d(values.map((value) => value / TAPS ** 2), [B, TAPS]);
  };
  type Inputs = [tf.Tensor4D, tf.Tensor2D, tf.Tensor2D];
  return pair(
    () => [
      normalTensor([B, H, W, 3]),
      weights(2),
      weights(3),
    ],
    [
      (...inputs) => separableBlur(...inputs as Inputs),
      (...inputs) => tfjsSeparableBlur(...inputs as Inputs),
    ],
  );
}

/** A percentile and a value by its rank. */
export function orderStatisticPair(size: number): Pair {
  const rank = Math.floor(size / 3);
  return pair(
    () => [normalTensor([size])],
    [
      (x) => [percentile(x as tf.Tensor, 80), kthValue(x as tf.Tensor, rank)],
      (x) => [
        tfjsOrder.percentile(x as tf.Tensor, 80),
        tfjsOrder.kthValue(x as tf.Tensor, rank),
      ],
    ],
  );
}
