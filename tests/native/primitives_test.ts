// Every primitive of oneDNN that is used, against plain loops in float64.
import assert from "node:assert/strict";
import { createRandom } from "../../src/core/random.ts";
import {
  convolutionFilterGradientPlan,
  convolutionInputGradientPlan,
  convolutionPlan,
  type ConvolutionSizes,
} from "../../src/native/convolution.ts";
import type { PrimitivePlan } from "../../src/native/dnnl.ts";
import {
  geluGradientPlan,
  geluPlan,
  softmaxGradientPlan,
  softmaxPlan,
} from "../../src/native/element_wise.ts";
import type { NativeEngine } from "../../src/native/engine.ts";
import { openNativeEngine } from "../../src/native/open_engine.ts";
import {
  layerNormGradientPlan,
  layerNormPlan,
  normalizePlan,
} from "../../src/native/normalization.ts";
import { productPlan, type ProductSizes } from "../../src/native/product.ts";
import { assertClose, NATIVE_LIBRARY } from "../support/mod.ts";
import * as loops from "./loops.ts";

const TOLERANCE = 1e-5;

function onNativeEngine(
  name: string,
  test: (engine: NativeEngine) => void | Promise<void>,
): void {
  for (const threads of [1, 2]) {
    Deno.test({
      name: `${name} [${threads} ${threads === 1 ? "thread" : "threads"}]`,
      ignore: NATIVE_LIBRARY === null,
      sanitizeResources: false, // the library stays open
      fn: async () => await test(openNativeEngine(NATIVE_LIBRARY ?? "auto", threads)),
    });
  }
}

let streams = 0;
function random(length: number, size = 1): Float32Array {
  const generator = createRandom(5, `native/${streams++}`);
  return Float32Array.from({ length }, () => size * generator.normal());
}

/** Runs a plan whose last arguments are results, and returns them. */
function results<const S extends readonly number[]>(
  engine: NativeEngine,
  plan: PrimitivePlan,
  inputs: readonly Float32Array[],
  sizes: S,
): { [I in keyof S]: Float32Array } {
  const outputs = sizes.map((size) => new Float32Array(size).fill(NaN));
  assert.ok(engine.run(plan, ...inputs, ...outputs), `oneDNN has ${plan.key}`);
  return outputs as { [I in keyof S]: Float32Array };
}

const PLAIN = {
  batch: 1,
  rows: 37,
  columns: 23,
  depth: 19,
  transposeLeft: false,
  transposeRight: false,
  sharedRight: false,
  hasBias: false,
};
const PRODUCTS: readonly ProductSizes[] = [
  PLAIN,
  { ...PLAIN, rows: 1, columns: 1, depth: 1 },
  { ...PLAIN, transposeLeft: true, hasBias: true },
  { ...PLAIN, transposeRight: true, hasBias: true },
  { ...PLAIN, transposeLeft: true, transposeRight: true },
  { ...PLAIN, batch: 3, rows: 16, depth: 8, columns: 5, transposeLeft: true },
  { ...PLAIN, batch: 3, rows: 16, depth: 8, columns: 5, transposeRight: true },
  { ...PLAIN, batch: 3, sharedRight: true },
  { ...PLAIN, batch: 3, sharedRight: true, transposeLeft: true, hasBias: true },
  { ...PLAIN, batch: 3, sharedRight: true, transposeRight: true },
  { ...PLAIN, rows: 300, columns: 64, depth: 129 },
];

onNativeEngine("productPlan() equals loops", async (engine) => {
  for (const sizes of PRODUCTS) {
    const { batch, rows, columns, depth } = sizes;
    const left = random(batch * rows * depth);
    const right = random((sizes.sharedRight ? 1 : batch) * depth * columns);
    const bias = random(columns);
    const plan = productPlan(sizes);
    const inputs = [left, right, ...(sizes.hasBias ? [bias] : [])];
    const [actual] = results(engine, plan, inputs, [batch * rows * columns]);
    await assertClose(
      actual,
      loops.product(left, right, bias, sizes),
      TOLERANCE,
      plan.key,
    );
  }
});

const SMALL = {
  batch: 2,
  height: 13,
  width: 11,
  channels: 16,
  outChannels: 24,
  kernelHeight: 3,
  kernelWidth: 3,
  stride: 1,
  dilation: 1,
  padding: 1,
  depthwise: false,
  hasBias: false,
};
const POINTWISE = { kernelHeight: 1, kernelWidth: 1, padding: 0 };
const DEPTHWISE = { channels: 32, outChannels: 32, depthwise: true };
const CONVOLUTIONS: ConvolutionSizes[] = [
  SMALL,
  { ...SMALL, hasBias: true },
  { ...SMALL, batch: 1, channels: 3, outChannels: 5 },
  {
    ...{ ...SMALL, channels: 3, outChannels: 32, hasBias: true },
    ...{ kernelHeight: 7, kernelWidth: 7, stride: 4, padding: 3 },
  },
  { ...SMALL, channels: 64, outChannels: 19, dilation: 6, padding: 6 },
  { ...SMALL, channels: 64, outChannels: 32, dilation: 18, padding: 18 },
  { ...SMALL, ...POINTWISE, channels: 64, outChannels: 32, stride: 2 },
  { ...SMALL, ...POINTWISE, height: 12, width: 10, stride: 2 }, // a row is left out
  { ...SMALL, channels: 10, outChannels: 14, stride: 2 },
  {
    ...{ ...SMALL, height: 16, width: 24, channels: 32, outChannels: 32 },
    ...{ kernelHeight: 8, kernelWidth: 8, stride: 8, padding: 0, hasBias: true },
  },
  { ...SMALL, kernelHeight: 1, kernelWidth: 5, padding: 2 },
  { ...SMALL, ...DEPTHWISE, hasBias: true },
  { ...SMALL, ...DEPTHWISE, channels: 19, outChannels: 19 },
  { ...SMALL, ...DEPTHWISE, kernelHeight: 5, kernelWidth: 5, padding: 2 },
  { ...SMALL, ...DEPTHWISE, kernelHeight: 5, kernelWidth: 5, padding: 2, stride: 2 },
].map(({ padding, ...sizes }) => {
  const out = (side: number, kernel: number) =>
    Math.floor((side + 2 * padding - sizes.dilation * (kernel - 1) - 1) / sizes.stride) +
    1;
  return {
    ...sizes,
    paddingTop: padding,
    paddingLeft: padding,
    outHeight: out(sizes.height, sizes.kernelHeight),
    outWidth: out(sizes.width, sizes.kernelWidth),
  };
});
// Of 12×11 pixels to 6×6: TensorFlow's zeros, one more at the far end of the even side.
const UNEVEN = {
  ...{ height: 12, outHeight: 6, outWidth: 6, paddingTop: 1, paddingLeft: 2 },
  ...{ kernelHeight: 5, kernelWidth: 5, stride: 2 },
};
const { padding: _, ...UNPADDED } = SMALL;
CONVOLUTIONS.push(
  { ...UNPADDED, ...UNEVEN },
  { ...UNPADDED, ...UNEVEN, ...DEPTHWISE, hasBias: true },
);

onNativeEngine("convolution plans equal loops", async (engine) => {
  for (const sizes of CONVOLUTIONS) {
    const { batch, height, width, channels, outHeight, outWidth, outChannels } = sizes;
    const taps = sizes.kernelHeight * sizes.kernelWidth;
    const x = random(batch * height * width * channels);
    const filter = random(taps * channels * (sizes.depthwise ? 1 : outChannels));
    const bias = random(outChannels);
    const dy = random(batch * outHeight * outWidth * outChannels);
    const expected = loops.convolution(x, filter, bias, dy, sizes);
    const forward = convolutionPlan(sizes);
    const inputs = [x, filter, ...(sizes.hasBias ? [bias] : [])];
    const [y] = results(engine, forward, inputs, [dy.length]);
    await assertClose(y, expected.y, TOLERANCE, forward.key);
    const inputGradient = convolutionInputGradientPlan(sizes);
    const [dx] = results(engine, inputGradient, [dy, filter], [x.length]);
    await assertClose(dx, expected.dx, TOLERANCE, inputGradient.key);
    const filterGradient = convolutionFilterGradientPlan(sizes);
    const [dw] = results(engine, filterGradient, [x, dy], [filter.length]);
    await assertClose(dw, expected.dw, TOLERANCE, filterGradient.key);
  }
});

for (const [rows, columns] of [[60, 32], [1, 7], [37, 19], [5, 1]] as const) {
  const sizes = { rows, columns, epsilon: 1e-6 };

  onNativeEngine(`layer norm of ${rows}×${columns} equals loops`, async (engine) => {
    const [x, dy] = [random(rows * columns, 4), random(rows * columns)];
    const [scale, shift] = [random(columns), random(columns)];
    const expected = loops.normalization("rows", x, scale, shift, dy, sizes);
    const forward = results(
      ...[engine, layerNormPlan(sizes), [x, scale, shift]],
      [x.length, rows, rows],
    );
    const [y, mean, variance] = forward;
    const gradients = results(
      ...[engine, layerNormGradientPlan(sizes), [x, mean, variance, dy, scale]],
      [x.length, columns, columns],
    );
    await assertClose(y, expected.y, TOLERANCE, "y");
    await assertClose(mean, expected.mean, TOLERANCE, "mean");
    await assertClose(variance, expected.variance, TOLERANCE, "variance");
    // A single column is all mean: its gradient is what rounding leaves.
    if (columns > 1) await assertClose(gradients[0], expected.dx, TOLERANCE, "dx");
    if (columns > 1) {
      await assertClose(gradients[1], expected.dscale, TOLERANCE, "dscale");
    }
    await assertClose(gradients[2], expected.dshift, TOLERANCE, "dshift");
  });
}

for (const [rows, columns] of [[60, 32], [64, 19], [300, 3]] as const) {
  const sizes = { rows, columns, epsilon: 1e-5 };

  onNativeEngine(`normalization of ${rows}×${columns} equals loops`, async (engine) => {
    const [x, dy] = [random(rows * columns, 4), random(rows * columns)];
    const [scale, shift] = [random(columns), random(columns)];
    const expected = loops.normalization("columns", x, scale, shift, dy, sizes);
    const mean = Float32Array.from(expected.mean);
    const variance = Float32Array.from(expected.variance);
    const [y] = results(
      ...[engine, normalizePlan(sizes), [x, mean, variance, scale, shift]],
      [x.length],
    );
    await assertClose(y, expected.y, TOLERANCE, "y");
  });
}

onNativeEngine("GELU equals its series", async (engine) => {
  for (const length of [7, 63, 4096]) {
    const [x, dy] = [random(length, 3), random(length)];
    const expected = loops.gelu(x, dy);
    const [y] = results(engine, geluPlan(length), [x], [length]);
    const [dx] = results(engine, geluGradientPlan(length), [x, dy], [length]);
    await assertClose(y, expected.y, TOLERANCE, "y");
    await assertClose(dx, expected.dx, TOLERANCE, "dx");
  }
});

onNativeEngine("softmax equals loops", async (engine) => {
  for (const [rows, columns] of [[64, 64], [3, 19], [1, 1]] as const) {
    const [x, dy] = [random(rows * columns, 3), random(rows * columns)];
    const expected = loops.softmax(x, dy, columns);
    const [y] = results(engine, softmaxPlan(rows, columns), [x], [x.length]);
    const gradientPlan = softmaxGradientPlan(rows, columns);
    const [dx] = results(engine, gradientPlan, [y, dy], [x.length]);
    await assertClose(y, expected.y, TOLERANCE, "y");
    if (columns > 1) await assertClose(dx, expected.dx, TOLERANCE, "dx");
  }
});
