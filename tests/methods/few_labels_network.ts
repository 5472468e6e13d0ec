/** The network and the batches on which rules for few labels are tested. @module */
import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import type { HostBatch } from "../../src/core/host_batch.ts";
import type { Network, Parameter, Pass, Weights } from "../../src/core/network.ts";
import { batchMoments, batchNorm, frozenBatchNorm } from "../../src/ops/batch_norm.ts";
import { blend } from "../../src/ops/in_place.ts";
import { at, CHANNELS, CLASSES, IGNORED, type Plain } from "./plain_network.ts";
import * as plain from "./plain_network.ts";

export const [B, H, W] = [2, 3, 4];
export const PIXELS = B * H * W;
export const SEED = 1;

/** The names in the network; "decoder." learns ten times faster. */
export const NAMES: Readonly<Record<keyof Plain, string>> = {
  scale: "bn.weight",
  shift: "bn.bias",
  mean: "bn.running_mean",
  variance: "bn.running_var",
  filter: "decoder.weight",
  bias: "decoder.bias",
};

export const parameters: readonly Parameter[] = plain.names.map((name) => ({
  name: NAMES[name],
  shape: name === "filter" ? [CHANNELS, CLASSES] : [plain.sizeOf(name)],
  layout: "plain",
  initial: { kind: "constant", value: 0 },
  trained: name !== "mean" && name !== "variance",
}));
const of = <T extends tf.Tensor>(weights: Weights, name: keyof Plain): T =>
  (weights.get(NAMES[name]) ?? assert.fail()) as T;

function normalise(
  weights: Weights,
  x: tf.Tensor4D,
  { training }: Pass,
): tf.Tensor4D {
  const affine = {
    scale: of(weights, "scale"),
    shift: of(weights, "shift"),
    epsilon: 1e-5,
  };
  const running = { mean: of(weights, "mean"), variance: of(weights, "variance") };
  if (!training) return frozenBatchNorm(x, affine, running);
  const own = batchMoments(x);
  const count = x.size / CHANNELS;
  blend(running.mean, own.mean, 0.9);
  blend(running.variance, tf.mul(own.variance, count / (count - 1)), 0.9);
  return batchNorm(x, affine, own);
}

export const network: Network = {
  encoder: {
    parameters: parameters.slice(0, 4),
    strides: [1],
    widths: [CHANNELS],
    apply: (weights, images, pass) => [normalise(weights, images, pass)],
  },
  decoder: {
    parameters: parameters.slice(4),
    representationChannels: CHANNELS,
    apply(weights, [map = assert.fail()]) {
      const rows = tf.reshape<tf.Rank.R2>(map, [-1, CHANNELS]);
      const linear = tf.matMul(rows, of<tf.Tensor2D>(weights, "filter"));
      const [images, height, width] = map.shape;
      const logits = tf.add(linear, of(weights, "bias"));
      return tf.reshape<tf.Rank.R4>(logits, [images, height, width, CLASSES]);
    },
  },
  auxiliary: [],
  classes: CLASSES,
  parameters,
  constants: [],
  forward(weights, images, pass) {
    const features = this.encoder.apply(weights, images, pass);
    return { features, logits: this.decoder.apply(weights, features, pass), sides: [] };
  },
  // What the classifier sees is where classes are to lie apart.
  forwardWithRepresentation(weights, images, pass) {
    const seen = this.forward(weights, images, pass);
    return { ...seen, representation: seen.features[0] ?? assert.fail() };
  },
};

// Park and Miller: nothing of ours.
export function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = state * 48271 % 2147483647) / 2147483647;
}

export function start(): Plain {
  const next = numbers(11);
  const some = (count: number, spread = 1, middle = 0) =>
    Array.from({ length: count }, () => middle + spread * (2 * next() - 1));
  return {
    scale: some(CHANNELS, 0.3, 1),
    shift: some(CHANNELS, 0.3),
    mean: some(CHANNELS, 0.3),
    variance: some(CHANNELS, 0.3, 1),
    filter: some(CHANNELS * CLASSES),
    bias: some(CLASSES, 0.3),
  };
}

export interface PlainBatch {
  readonly labelled: number[];
  readonly labels: number[];
  readonly unlabelled: number[];
}

export function batchAt(t: number): PlainBatch {
  const next = numbers(100 + t);
  const image = () =>
    Array.from({ length: PIXELS * CHANNELS }, () => Math.fround(4 * next() - 2));
  const labels = Array.from(
    { length: PIXELS },
    (_, i) => i % 7 === 3 ? IGNORED : Math.floor(CLASSES * next()),
  );
  return { labelled: image(), labels, unlabelled: image() };
}

export function hostOf({ labelled, labels, unlabelled }: PlainBatch): HostBatch {
  return {
    ...{ batch: B, height: H, width: W },
    source: {
      names: ["a", "b"],
      images: Float32Array.from(labelled),
      labels: Uint8Array.from(labels),
    },
    target: { names: ["c", "d"], images: Float32Array.from(unlabelled) },
  };
}

/** The left two columns of each image come from the other one. */
function swapped<T extends tf.Tensor>(x: T): T {
  const [, , , ...rest] = x.shape;
  const none = rest.map(() => 0);
  const part = (image: number, from: number) =>
    tf.slice(x, [image, 0, from, ...none], [1, H, W / 2, ...rest]);
  const joined = [[1, 0], [0, 1]].map(([left = 0, right = 0]) =>
    tf.concat([part(left, 0), part(right, W / 2)], 2)
  );
  return tf.concat(joined, 0) as T;
}

export function swappedPlain(x: readonly number[], channels: number): number[] {
  return Array.from(x, (_, i) => {
    const pixel = Math.floor(i / channels);
    const other = (pixel + H * W) % PIXELS;
    return at(x, (pixel % W < W / 2 ? other : pixel) * channels + i % channels);
  });
}

export const view = ({ images, labels }: { images: tf.Tensor4D; labels: tf.Tensor }) =>
  tf.tidy(() => ({ images: swapped(images), labels: swapped(labels) }));

export const upload = (weights: Plain): Weights =>
  new Map(plain.names.map((name) => {
    const { shape } = parameters.find((one) => one.name === NAMES[name]) ?? assert.fail();
    return [NAMES[name], tf.tensor(weights[name], [...shape])];
  }));
