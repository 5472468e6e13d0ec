/** The network and the batches for tests of semi-supervised methods. @module */
import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import type { HostBatch } from "../../src/core/host_batch.ts";
import type {
  ForwardContext,
  Network,
  Parameter,
  Weights,
} from "../../src/core/network.ts";
import {
  batchMoments,
  batchNorm,
  frozenBatchNorm,
} from "../../src/ops/batch_norm/batch_norm.ts";
import { lerp } from "../../src/ops/in_place/in_place.ts";
import { at, CHANNELS, CLASSES, IGNORED } from "./reference_network.ts";
import * as reference from "./reference_network.ts";

export const [B, H, W] = [2, 3, 4];
export const PIXELS = B * H * W;
export const SEED = 1;

/** The names in the network; "decoder." learns ten times faster. */
export const NAMES: Readonly<Record<keyof reference.ReferenceWeights, string>> = {
  scale: "bn.weight",
  shift: "bn.bias",
  mean: "bn.running_mean",
  variance: "bn.running_var",
  filter: "decoder.weight",
  bias: "decoder.bias",
};

export const parameters: readonly Parameter[] = reference.names.map((name) => ({
  name: NAMES[name],
  shape: name === "filter" ? [CHANNELS, CLASSES] : [reference.sizeOf(name)],
  layout: "plain",
  initializer: { kind: "constant", value: 0 },
  trainable: name !== "mean" && name !== "variance",
}));
const weightOf = <T extends tf.Tensor>(
  weights: Weights,
  name: keyof reference.ReferenceWeights,
): T => (weights.get(NAMES[name]) ?? assert.fail()) as T;

function normalize(
  weights: Weights,
  x: tf.Tensor4D,
  { training }: ForwardContext,
): tf.Tensor4D {
  const affine = {
    scale: weightOf(weights, "scale"),
    shift: weightOf(weights, "shift"),
    epsilon: 1e-5,
  };
  const running = {
    mean: weightOf(weights, "mean"),
    variance: weightOf(weights, "variance"),
  };
  if (!training) return frozenBatchNorm(x, affine, running);
  const batch = batchMoments(x);
  const count = x.size / CHANNELS;
  lerp(running.mean, batch.mean, 0.9);
  lerp(running.variance, tf.mul(batch.variance, count / (count - 1)), 0.9);
  return batchNorm(x, affine, batch);
}

export const network: Network = {
  encoder: {
    parameters: parameters.slice(0, 4),
    strides: [1],
    channels: [CHANNELS],
    apply: (weights, images, context) => [normalize(weights, images, context)],
  },
  decoder: {
    parameters: parameters.slice(4),
    representationChannels: CHANNELS,
    apply(weights, [map = assert.fail()]) {
      const rows = tf.reshape<tf.Rank.R2>(map, [-1, CHANNELS]);
      const linear = tf.matMul(rows, weightOf<tf.Tensor2D>(weights, "filter"));
      const [images, height, width] = map.shape;
      const logits = tf.add(linear, weightOf(weights, "bias"));
      return tf.reshape<tf.Rank.R4>(logits, [images, height, width, CLASSES]);
    },
  },
  auxiliaryHeads: [],
  classCount: CLASSES,
  parameters,
  derivedBuffers: [],
  decode(weights, features, context) {
    const logits = this.decoder.apply(weights, features, context);
    return { logits, auxiliaryLogits: [] };
  },
  forward(weights, images, context) {
    const features = this.encoder.apply(weights, images, context);
    return { features, ...this.decode(weights, features, context) };
  },
  // The representation is the input of the classifier.
  forwardWithRepresentation(weights, images, context) {
    const output = this.forward(weights, images, context);
    return { ...output, representation: output.features[0] ?? assert.fail() };
  },
};

// The Park–Miller generator, independent of src.
export function parkMiller(seed: number): () => number {
  let state = seed;
  return () => (state = state * 48271 % 2147483647) / 2147483647;
}

export function initialWeights(): reference.ReferenceWeights {
  const next = parkMiller(11);
  const uniform = (count: number, scale = 1, center = 0) =>
    Array.from({ length: count }, () => center + scale * (2 * next() - 1));
  return {
    scale: uniform(CHANNELS, 0.3, 1),
    shift: uniform(CHANNELS, 0.3),
    mean: uniform(CHANNELS, 0.3),
    variance: uniform(CHANNELS, 0.3, 1),
    filter: uniform(CHANNELS * CLASSES),
    bias: uniform(CLASSES, 0.3),
  };
}

export interface ReferenceBatch {
  readonly labeled: number[];
  readonly labels: number[];
  readonly unlabeled: number[];
}

export function batchAt(t: number): ReferenceBatch {
  const next = parkMiller(100 + t);
  const image = () =>
    Array.from({ length: PIXELS * CHANNELS }, () => Math.fround(4 * next() - 2));
  const labels = Array.from(
    { length: PIXELS },
    (_, i) => i % 7 === 3 ? IGNORED : Math.floor(CLASSES * next()),
  );
  return { labeled: image(), labels, unlabeled: image() };
}

export function hostBatchOf({ labeled, labels, unlabeled }: ReferenceBatch): HostBatch {
  return {
    ...{ batchSize: B, height: H, width: W },
    source: {
      fileNames: ["a", "b"],
      images: Float32Array.from(labeled),
      labels: Uint8Array.from(labels),
    },
    target: { fileNames: ["c", "d"], images: Float32Array.from(unlabeled) },
  };
}

/** Exchanges the left halves of both images. */
function swapHalves<T extends tf.Tensor>(x: T): T {
  const [, , , ...rest] = x.shape;
  const zeros = rest.map(() => 0);
  const half = (image: number, from: number) =>
    tf.slice(x, [image, 0, from, ...zeros], [1, H, W / 2, ...rest]);
  const swapped = [[1, 0], [0, 1]].map(([left = 0, right = 0]) =>
    tf.concat([half(left, 0), half(right, W / 2)], 2)
  );
  return tf.concat(swapped, 0) as T;
}

export function referenceSwapHalves(x: readonly number[], channels: number): number[] {
  return Array.from(x, (_, i) => {
    const pixel = Math.floor(i / channels);
    const other = (pixel + H * W) % PIXELS;
    return at(x, (pixel % W < W / 2 ? other : pixel) * channels + i % channels);
  });
}

export const swapView = (
  { images, labels }: { images: tf.Tensor4D; labels: tf.Tensor },
) => tf.tidy(() => ({ images: swapHalves(images), labels: swapHalves(labels) }));

export const uploadWeights = (weights: reference.ReferenceWeights): Weights =>
  new Map(reference.names.map((name) => {
    const { shape } = parameters.find((parameter) => parameter.name === NAMES[name]) ??
      assert.fail();
    return [NAMES[name], tf.tensor(weights[name], [...shape])];
  }));
