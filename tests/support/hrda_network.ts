/** A small network of two resolutions: that of tests/golden/hrda*.json. @module */
import assert from "node:assert/strict";
import type { Network, Weights } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { pytorchShape, weightsFromHost, weightsToHost } from "../../src/core/weights.ts";
import { convolution } from "../../src/layers/convolution.ts";
import { parametersOf } from "../../src/layers/parameter.ts";
import { daformerHead } from "../../src/models/daformer_head.ts";
import {
  multiResolution,
  type MultiResolutionOptions,
} from "../../src/models/multi_resolution.ts";
import { relu } from "../../src/ops/relu/relu.ts";
import { assertClose } from "./compare.ts";

/** C */
export const CLASSES = 3;

/** Of images, and of their detail crops. */
export const SIZE = { height: 32, width: 40 };

/** Half of it, and a little more. */
export const DETAIL_SIZE = { height: 16, width: 24 };

const fine = convolution("backbone.fine", 3, 4, {
  kernelSize: 5,
  stride: 4,
  padding: 2,
  init: "pytorch",
});
const coarse = convolution("backbone.coarse", 4, 6, {
  kernelSize: 3,
  stride: 2,
  padding: 1,
  init: "pytorch",
});
const encoder = {
  parameters: parametersOf(fine, coarse),
  strides: [4, 8],
  channels: [4, 6],
  apply(...[weights, images, context]: Parameters<typeof fine.apply>) {
    const first = relu(fine.apply(weights, images, context));
    return [first, relu(coarse.apply(weights, first, context))];
  },
};
const head = (name: string, channels: number) =>
  daformerHead(`decode_head.${name}`, encoder.channels, {
    ...{ classes: CLASSES, channels, fusion: "conv1", dilations: [], dropout: 0 },
  });

/** An encoder of two maps and DAFormer's head, at two resolutions. */
export const hrdaNetworkWith = (options: Partial<MultiResolutionOptions>): Network =>
  multiResolution(encoder, head("head", 4), head("scale_attention", 5), CLASSES, {
    detailSize: DETAIL_SIZE,
    contextScale: 0.5,
    detailLossWeight: 0.1,
    coordinateDivisor: 8,
    ...options,
  });

/** With the settings of the goldens. */
export const hrdaNetwork = hrdaNetworkWith({});

/** Numbers in (0, 1) of the minimal standard generator. */
function* uniformNumbers(seed: number): Generator<number, never> {
  for (let state = seed;;) {
    state = state * 48271 % 2147483647;
    yield state / 2147483647;
  }
}

/** Its weights, in the order of PyTorch's modules. */
export function hrdaWeights(): Weights {
  const numbers = uniformNumbers(7);
  const host = new Map(hrdaNetwork.parameters.map((parameter) => {
    const { name } = parameter;
    const shape = pytorchShape(parameter);
    const isCounter = parameter.layout === "counter";
    const value = () => {
      const u = 2 * numbers.next().value - 1;
      return name.endsWith("running_var") ? 1 + u / 2 : 0.6 * u;
    };
    const length = shape.reduce((all, side) => all * side, 1);
    const bytes = isCounter
      ? new Uint8Array(8)
      : new Uint8Array(Float32Array.from({ length }, value).buffer);
    return [name, { dtype: isCounter ? "I64" : "F32", shape, bytes }] as const;
  }));
  return weightsFromHost(hrdaNetwork.parameters, host);
}

/** Asserts the values of weights, given in PyTorch's layout. */
export async function assertHrdaWeights(
  weights: Weights,
  expected: Readonly<Record<string, readonly number[]>>,
  tolerance: number,
  what: string,
): Promise<void> {
  const found = await weightsToHost(hrdaNetwork.parameters, weights);
  const largest = Math.max(...Object.values(expected).flat().map(Math.abs));
  for (const [name, values] of Object.entries(expected)) {
    const { bytes } = found.get(name) ?? assert.fail(name);
    // A bias before batch norm has a gradient of 0, up to rounding.
    const ours = [...new Float32Array(bytes.buffer), largest];
    await assertClose(ours, [...values, largest], tolerance, `${name} of the ${what}`);
  }
}

/** Values in (−2, 2). */
export function hrdaValues(seed: number, length: number): Float32Array<ArrayBuffer> {
  const numbers = uniformNumbers(seed);
  return Float32Array.from({ length }, () => 4 * numbers.next().value - 2);
}

/** 0 or 1. */
export function hrdaBits(seed: number, length: number): Float32Array<ArrayBuffer> {
  return hrdaValues(seed, length).map((value) => value > 0 ? 1 : 0);
}

/** Images. [B, H, W, 3] */
export function hrdaImages(seed: number, batch = 2, size = SIZE): tf.Tensor4D {
  const { height, width } = size;
  return tf.tensor4d(hrdaValues(seed, batch * height * width * 3), [
    batch,
    height,
    width,
    3,
  ]);
}

/** Labels, one of seven ignored. [B, H, W] */
export function hrdaLabels(seed: number, batch = 2): Uint8Array<ArrayBuffer> {
  const numbers = uniformNumbers(seed);
  return Uint8Array.from(
    { length: batch * SIZE.height * SIZE.width },
    (_, i) => i % 7 === 3 ? 255 : Math.floor(CLASSES * numbers.next().value),
  );
}
