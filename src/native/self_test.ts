/** A product and a convolution with its gradients, against plain loops. @module */
import {
  convolutionFilterGradientPlan,
  convolutionInputGradientPlan,
  convolutionPlan,
  type ConvolutionSizes,
} from "./convolution.ts";
import type { Dnnl, PrimitivePlan, View } from "./dnnl.ts";
import { productPlan } from "./product.ts";

/** What was compared. */
export interface SelfTestResult {
  readonly name: string;
  /** max|a − b| / max|b|; NaN if it could not be computed. */
  readonly error: number;
  readonly tolerance: number;
}

type Engine = Pick<Dnnl, "run">;

// Sums of some thirty products in float32, in any order.
const TOLERANCE = 1e-5;

const [ROWS, DEPTH, COLUMNS] = [19, 33, 13];

const SIZES: ConvolutionSizes = {
  batch: 1,
  ...{ height: 9, width: 7, channels: 16, outHeight: 9, outWidth: 7, outChannels: 8 },
  ...{
    kernelHeight: 3,
    kernelWidth: 3,
    stride: 1,
    dilation: 1,
    paddingTop: 1,
    paddingLeft: 1,
  },
  depthwise: false,
  hasBias: false,
};

/** Tests an engine; a line per result. */
export function selfTest(engine: Engine): SelfTestResult[] {
  return [testProduct(engine), ...testConvolution(engine)];
}

function testProduct(engine: Engine): SelfTestResult {
  const [left, right] = [pattern(ROWS * DEPTH, 1), pattern(DEPTH * COLUMNS, 2)];
  const expected = new Float64Array(ROWS * COLUMNS);
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      for (let k = 0; k < DEPTH; k++) {
        add(
          expected,
          row * COLUMNS + column,
          at(left, row * DEPTH + k) * at(right, k * COLUMNS + column),
        );
      }
    }
  }
  const plan = productPlan({
    ...{ batch: 1, rows: ROWS, columns: COLUMNS, depth: DEPTH },
    transposeLeft: false,
    transposeRight: false,
    sharedRight: false,
    hasBias: false,
  });
  return compare("matrix product", engine, plan, [left, right], expected);
}

function testConvolution(engine: Engine): SelfTestResult[] {
  const { height, width, channels: C, outChannels: O, kernelWidth } = SIZES;
  const taps = SIZES.kernelHeight * kernelWidth;
  const x = pattern(height * width * C, 3);
  const filter = pattern(taps * C * O, 4);
  const dy = pattern(height * width * O, 5);
  const y = new Float64Array(dy.length);
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(filter.length);
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let tap = 0; tap < taps; tap++) {
      const row = Math.floor(pixel / width) + Math.floor(tap / kernelWidth) - 1;
      const column = pixel % width + tap % kernelWidth - 1;
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      for (let c = 0; c < C; c++) {
        for (let o = 0; o < O; o++) {
          const source = (row * width + column) * C + c;
          const weight = (tap * C + c) * O + o;
          const target = pixel * O + o;
          add(y, target, at(x, source) * at(filter, weight));
          add(dx, source, at(dy, target) * at(filter, weight));
          add(dw, weight, at(dy, target) * at(x, source));
        }
      }
    }
  }
  const forward = convolutionPlan(SIZES);
  const inputGradient = convolutionInputGradientPlan(SIZES);
  const filterGradient = convolutionFilterGradientPlan(SIZES);
  return [
    compare("convolution", engine, forward, [x, filter], y),
    compare("input gradient", engine, inputGradient, [dy, filter], dx),
    compare("filter gradient", engine, filterGradient, [x, dy], dw),
  ];
}

function compare(
  name: string,
  engine: Engine,
  plan: PrimitivePlan,
  inputs: readonly View[],
  expected: Float64Array,
): SelfTestResult {
  const result = new Float32Array(expected.length);
  const error = engine.run(plan, ...inputs, result)
    ? relativeError(result, expected)
    : NaN;
  return { name, error, tolerance: TOLERANCE };
}

function relativeError(result: Float32Array, expected: Float64Array): number {
  let [error, largest] = [0, 0];
  expected.forEach((value, i) => {
    const difference = Math.abs(at(result, i) - value);
    if (!(difference <= error)) error = difference; // NaN wins
    largest = Math.max(largest, Math.abs(value));
  });
  return error / largest;
}

// Values between −1 and 1 without a pattern that sums would hide.
function pattern(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(seed + 12.9898 * i * i));
}

function at(values: Float32Array, index: number): number {
  return values[index] ?? NaN;
}

function add(sums: Float64Array, index: number, value: number): void {
  sums[index] = (sums[index] ?? NaN) + value;
}
