/** Golden files of the parts of a Swin Transformer, forward and gradient. @module */
import { EVAL_CONTEXT, type Layer } from "../../../src/core/network.ts";
import * as tf from "../../../src/core/tf.ts";
import {
  releaseWeights,
  weightsFromHost,
  weightsToHost,
} from "../../../src/core/weights.ts";
import * as z from "../../../src/core/zod.ts";
import { patchEmbedding, patchMerging } from "../../../src/layers/patch_embedding.ts";
import { windowAttention } from "../../../src/layers/window_attention.ts";
import { windowPositionBias } from "../../../src/ops/position_bias/position_bias.ts";
import {
  windowPartition,
  windowSizes,
} from "../../../src/ops/window_partition/window_partition.ts";
import type { CheckResult } from "../../../src/doctor/check.ts";
import { type Golden, numbersOf, storedTensor } from "../golden_file.ts";
import {
  compare,
  compareTensor,
  EXACT,
  failedCheck,
  FORWARD,
  GRADIENT,
} from "./compare.ts";
import {
  CHANNELS_LAST,
  orderedTensor,
  shapeOf,
  sidecarValue,
  valuesOf,
} from "./vector_file.ts";

const size = z.int().positive();
const Attention = z.object({
  H: size,
  W: size,
  window: size,
  shift: z.int().nonnegative(),
  dim: size,
  heads: size,
});
const Merging = z.object({ H: size, W: size }).optional();

const PATCH_SIZE = 4;

/** Verifies everything in the file. */
export async function verifySwin(golden: Golden): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const cases = sidecarValue(golden, "attention", z.array(Attention).default([]));
  for (const [i, sizes] of cases.entries()) {
    results.push(...await verifyAttention(golden, `attn${i}`, sizes));
  }
  for (const name of ["merge0", "merge1"]) {
    const sizes = sidecarValue(golden, name, Merging);
    if (sizes === undefined) continue;
    const x = tokensAsMap(golden, `input/${name}/x`, sizes);
    const layer = patchMerging(name, x.shape[3]);
    results.push(...await verifyLayer(golden, name, layer, x));
  }
  if (golden.tensors.has("output/embed")) {
    const x = orderedTensor(golden, "input/embed/x", CHANNELS_LAST) as tf.Tensor4D;
    const [, , channels = 0] = shapeOf(golden, "output/embed");
    const layer = patchEmbedding("embed", channels, PATCH_SIZE);
    results.push(...await verifyLayer(golden, "embed", layer, x));
  }
  return results;
}

async function verifyAttention(
  golden: Golden,
  name: string,
  { dim, heads, ...grid }: z.output<typeof Attention>,
): Promise<CheckResult[]> {
  const { window, shift } = grid;
  const layer = windowAttention(name, dim, { heads, window, shift });
  const x = tokensAsMap(golden, `input/${name}/x`, grid);
  const sizes = windowSizes(x, window, shift);
  const windowsPath = `output/${name}/windows_after_pad_and_shift`;
  const results = [
    await compareTensor(
      windowsPath,
      windowPartition(x, sizes),
      valuesOf(golden, windowsPath),
      EXACT,
    ),
  ];
  const maskPath = `output/${name}/mask`;
  if (golden.tensors.has(maskPath)) {
    // Without scores and biases the mask is all there is.
    const scores = tf.zeros<tf.Rank.R4>([
      sizes.rows * sizes.columns,
      1,
      window ** 2,
      window ** 2,
    ]);
    const table = tf.zeros<tf.Rank.R2>([(2 * window - 1) ** 2, 1]);
    const mask = windowPositionBias(scores, table, sizes);
    results.push(await compareTensor(maskPath, mask, valuesOf(golden, maskPath), EXACT));
    tf.dispose([scores, table]);
  }
  for (const constant of layer.derivedBuffers ?? []) {
    const stored = storedTensor(golden, `weights/${goldenPath(constant.name)}`);
    const actual = numbersOf(constant.value());
    results.push(compare(constant.name, actual, numbersOf(stored), EXACT));
  }
  return [...results, ...await verifyLayer(golden, name, layer, x)];
}

// Its output and, where recorded, the gradients of input and parameters; releases x.
async function verifyLayer(
  golden: Golden,
  name: string,
  layer: Layer,
  x: tf.Tensor4D,
): Promise<CheckResult[]> {
  const host = new Map(
    layer.parameters.map((parameter) =>
      [
        parameter.name,
        storedTensor(golden, `weights/${goldenPath(parameter.name)}`),
      ] as const
    ),
  );
  const weights = weightsFromHost(layer.parameters, host);
  const run = (input: tf.Tensor, ...values: tf.Tensor[]) => {
    const weightsByName = new Map(
      layer.parameters.map(({ name }, i) => [name, values[i] ?? x]),
    );
    return layer.apply(weightsByName, input as tf.Tensor4D, EVAL_CONTEXT);
  };
  const value = tf.tidy(() => run(x, ...weights.values()));
  const shape = value.shape;
  const output = `output/${name}`;
  const results = [
    await compareTensor(output, value, valuesOf(golden, output), FORWARD),
  ];
  const upstream = `input/${name}/upstream_grad`;
  if (golden.tensors.has(upstream)) {
    const [inputGradient, ...weightGradients] = tf.tidy(() => {
      const dy = tf.reshape(orderedTensor(golden, upstream), shape);
      return tf.grads(run)([x, ...weights.values()], dy);
    });
    const gradient = new Map(
      weightGradients.map((tensor, i) => [layer.parameters[i]?.name ?? "", tensor]),
    );
    const path = `grad/${name}/x`;
    results.push(
      inputGradient === undefined
        ? failedCheck(path, "there is no gradient")
        : await compareTensor(path, inputGradient, valuesOf(golden, path), GRADIENT),
    );
    for (const [key, tensor] of await weightsToHost(layer.parameters, gradient)) {
      const path = `grad/${goldenPath(key).replace("/", "/weights/")}`;
      results.push(compare(path, numbersOf(tensor), valuesOf(golden, path), GRADIENT));
    }
    releaseWeights(gradient);
  }
  x.dispose();
  releaseWeights(weights);
  return results;
}

/** Tokens of the file as a map. [B, H·W, C] → [B, H, W, C] */
function tokensAsMap(
  golden: Golden,
  key: string,
  { H, W }: { readonly H: number; readonly W: number },
): tf.Tensor4D {
  const [B = 0, , C = 0] = shapeOf(golden, key);
  return tf.tidy(() => tf.reshape(orderedTensor(golden, key), [B, H, W, C]));
}

// "attn0.w_msa.qkv.weight" is "attn0/w_msa.qkv.weight" in the file.
function goldenPath(name: string): string {
  return name.replace(".", "/");
}
