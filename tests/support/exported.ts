/** Networks to export, and what their files have to compute. @module */
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { EVAL_CONTEXT, type Network, type Weights } from "../../src/core/network.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import type { ExportedNetwork } from "../../src/export/onnx_model.ts";
import { resizeLogits } from "../../src/objectives/cross_entropy.ts";
import { assertClose } from "./compare.ts";
import { openOnnx } from "./onnx_runtime.ts";

/** Sizes of images, one of them odd. */
export const IMAGE_SIZES: readonly (readonly [batch: number, H: number, W: number])[] = [
  [2, 37, 50],
  [1, 64, 48],
];

/** A network without a weight that is 0 or 1: none is right by accident. */
export function exportedNetwork(network: Network, imageChannels = 3): ExportedNetwork {
  const weights = new Map(
    network.parameters.map(({ name, shape }) => {
      const random = createRandom(3, name);
      const size = shape.reduce((all, side) => all * side, 1);
      const fanIn = shape.length > 1 ? size / (shape.at(-1) ?? 1) : 1;
      const draw = name.endsWith("running_var")
        ? () => 0.5 + random.uniform()
        : shape.length > 1
        ? () => random.normal() * fanIn ** -0.5
        : /weight|gamma/.test(name)
        ? () => 1 + 0.2 * random.normal()
        : () => 0.2 * random.normal();
      return [name, tf.tensor(Float32Array.from({ length: size }, draw), [...shape])];
    }),
  );
  return {
    network,
    weights,
    normalization: {
      mean: [120, 110, 100, 90].slice(0, imageChannels),
      std: [60, 50, 70, 40].slice(0, imageChannels),
    },
    bitDepth: 8,
    classes: Array.from({ length: network.classCount }, (_, i) => ({
      name: `class ${i}`,
      color: [i, 2 * i, 3 * i] as const,
    })),
  };
}

/** Images of noise in 0 … 255. [B, H, W, channels] */
export function noiseImages(
  shape: readonly [number, number, number],
  channels = 3,
): tf.Tensor4D {
  const [B, H, W] = shape;
  const random = createRandom(4, shape.join());
  const values = Float32Array.from(
    { length: B * H * W * channels },
    () => Math.floor(256 * random.uniform()),
  );
  return tf.tensor4d(values, [B, H, W, channels]);
}

/** The logits of images, as `predict` computes them. [B, classes, H, W] */
export function logitsOf(
  { network, weights, normalization: { mean, std } }: ExportedNetwork,
  images: tf.Tensor4D,
): tf.Tensor {
  return tf.tidy(() => {
    const centered = tf.sub(images, tf.tensor1d([...mean]));
    const normalized: tf.Tensor4D = tf.div(centered, tf.tensor1d([...std]));
    const { logits } = network.forward(weights, normalized, EVAL_CONTEXT);
    const [, H, W] = images.shape;
    return tf.transpose(resizeLogits(logits, [H, W], network.decoder), [0, 3, 1, 2]);
  });
}

/** The elements of images as ONNX takes them. [B, channels, H, W] */
export async function channelsFirst(images: tf.Tensor4D): Promise<Float32Array> {
  const transposed = tf.transpose(images, [0, 3, 1, 2]);
  const values = Float32Array.from(await readBack(transposed));
  transposed.dispose();
  return values;
}

/** Asserts that a file computes the network's logits, at each size of images. */
export async function assertSameLogits(
  bytes: Uint8Array,
  exported: ExportedNetwork,
  sizes: readonly (readonly [number, number, number])[] = IMAGE_SIZES,
  tolerance = 1e-4,
): Promise<void> {
  const session = await openOnnx(bytes);
  const channels = exported.normalization.mean.length;
  for (const size of sizes) {
    const [B, H, W] = size;
    const images = noiseImages(size, channels);
    const expected = logitsOf(exported, images);
    try {
      const result = await session.run(await channelsFirst(images), [B, channels, H, W]);
      assert.equal(result.name, "logits");
      assert.deepEqual(result.shape, expected.shape);
      await assertClose(result.data, expected, tolerance, `logits of ${B}×${H}×${W}`);
    } finally {
      tf.dispose([images, expected]);
    }
  }
}

/** Frees the weights. */
export function releaseExported({ weights }: { readonly weights: Weights }): void {
  for (const value of weights.values()) value.dispose();
}
