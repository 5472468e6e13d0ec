/** Golden files of the parts of a Swin Transformer, forward and gradient. @module */
import { EVALUATION, type Layer } from "../../core/network.ts";
import * as tf from "../../core/tf.ts";
import { releaseWeights, weightsFromHost, weightsToHost } from "../../core/weights.ts";
import { z } from "../../core/zod.ts";
import { patchEmbedding } from "../../layers/patch_embedding.ts";
import { patchMerging } from "../../layers/patch_merging.ts";
import { windowAttention } from "../../layers/window_attention.ts";
import { windowBias } from "../../ops/window_bias.ts";
import { splitWindows, windowSizes } from "../../ops/windows.ts";
import type { CheckResult } from "../check.ts";
import { type Golden, hostTensor, numbersOf } from "../golden_file.ts";
import { compare, compareTensor, EXACT, FORWARD, GRADIENT, unknown } from "./compare.ts";
import {
  CHANNELS_LAST,
  orderedTensor,
  partOf,
  shapeOf,
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

const PATCH = 4;

/** Verifies everything in the file. */
export async function verifySwin(golden: Golden): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const cases = partOf(golden, "attention", z.array(Attention).default([]));
  for (const [i, sizes] of cases.entries()) {
    results.push(...await verifyAttention(golden, `attn${i}`, sizes));
  }
  for (const name of ["merge0", "merge1"]) {
    const sizes = partOf(golden, name, Merging);
    if (sizes === undefined) continue;
    const x = onGrid(golden, `input/${name}/x`, sizes);
    const layer = patchMerging(name, x.shape[3]);
    results.push(...await verifyLayer(golden, name, layer, x));
  }
  if (golden.tensors.has("output/embed")) {
    const x = orderedTensor(golden, "input/embed/x", CHANNELS_LAST) as tf.Tensor4D;
    const [, , channels = 0] = shapeOf(golden, "output/embed");
    const layer = patchEmbedding("embed", channels, PATCH);
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
  const x = onGrid(golden, `input/${name}/x`, grid);
  const sizes = windowSizes(x, window, shift);
  const cut = `output/${name}/windows_after_pad_and_shift`;
  const results = [
    await compareTensor(cut, splitWindows(x, sizes), valuesOf(golden, cut), EXACT),
  ];
  const masked = `output/${name}/mask`;
  if (golden.tensors.has(masked)) {
    // Without scores and biases the mask is all there is.
    const scores = tf.zeros<tf.Rank.R4>([
      sizes.rows * sizes.columns,
      1,
      window ** 2,
      window ** 2,
    ]);
    const table = tf.zeros<tf.Rank.R2>([(2 * window - 1) ** 2, 1]);
    const mask = windowBias(scores, table, sizes);
    results.push(await compareTensor(masked, mask, valuesOf(golden, masked), EXACT));
    tf.dispose([scores, table]);
  }
  for (const constant of layer.constants ?? []) {
    const stored = hostTensor(golden, `weights/${pathOf(constant.name)}`);
    const own = numbersOf(constant.value());
    results.push(compare(constant.name, own, numbersOf(stored), EXACT));
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
    layer.parameters.map((one) =>
      [one.name, hostTensor(golden, `weights/${pathOf(one.name)}`)] as const
    ),
  );
  const weights = weightsFromHost(layer.parameters, host);
  const run = (input: tf.Tensor, ...values: tf.Tensor[]) => {
    const given = new Map(layer.parameters.map(({ name }, i) => [name, values[i] ?? x]));
    return layer.apply(given, input as tf.Tensor4D, EVALUATION);
  };
  const value = tf.tidy(() => run(x, ...weights.values()));
  const shape = value.shape;
  const output = `output/${name}`;
  const results = [
    await compareTensor(output, value, valuesOf(golden, output), FORWARD),
  ];
  const upstream = `input/${name}/upstream_grad`;
  if (golden.tensors.has(upstream)) {
    const [toInput, ...toWeights] = tf.tidy(() => {
      const dy = tf.reshape(orderedTensor(golden, upstream), shape);
      return tf.grads(run)([x, ...weights.values()], dy);
    });
    const gradient = new Map(
      toWeights.map((slope, i) => [layer.parameters[i]?.name ?? "", slope]),
    );
    const path = `grad/${name}/x`;
    results.push(
      toInput === undefined
        ? unknown(path, "there is no gradient")
        : await compareTensor(path, toInput, valuesOf(golden, path), GRADIENT),
    );
    for (const [key, slope] of await weightsToHost(layer.parameters, gradient)) {
      const path = `grad/${pathOf(key).replace("/", "/weights/")}`;
      results.push(compare(path, numbersOf(slope), valuesOf(golden, path), GRADIENT));
    }
    releaseWeights(gradient);
  }
  x.dispose();
  releaseWeights(weights);
  return results;
}

/** Tokens of the file as a map. [B, H·W, C] → [B, H, W, C] */
function onGrid(
  golden: Golden,
  key: string,
  { H, W }: { readonly H: number; readonly W: number },
): tf.Tensor4D {
  const [B = 0, , C = 0] = shapeOf(golden, key);
  return tf.tidy(() => tf.reshape(orderedTensor(golden, key), [B, H, W, C]));
}

// "attn0.w_msa.qkv.weight" is "attn0/w_msa.qkv.weight" in the file.
function pathOf(name: string): string {
  return name.replace(".", "/");
}
