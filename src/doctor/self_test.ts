/** Two operations that everything rests on, against plain loops. @module */
import { readBack } from "../core/backend.ts";
import { createRandom } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { conv2d } from "../ops/conv2d/conv2d.ts";
import { linear } from "../ops/linear.ts";
import { checkError, type CheckResult, relativeError } from "./check.ts";

// Sums of some thirty products in float32, in any order.
const TOLERANCE = 1e-5;

const [ROWS, INPUTS, OUTPUTS] = [19, 33, 13];

const [H, W, C, O] = [9, 7, 3, 5];
const FILTER_SIDE = 3;
// The case that tfjs itself refuses.
const DILATION = 2;

/**
 * Tests a matrix product and both gradients of a dilated convolution on the current
 * backend.
 *
 * @returns A line per result.
 * @throws {Error} If the device failed.
 */
export async function selfTest(): Promise<CheckResult[]> {
  return [await testMatMul(), ...await testConvolution()];
}

async function testMatMul(): Promise<CheckResult> {
  const x = randomValues(ROWS * INPUTS, "x");
  const w = randomValues(INPUTS * OUTPUTS, "w");
  const expected = new Float64Array(ROWS * OUTPUTS);
  for (let row = 0; row < ROWS; row++) {
    for (let o = 0; o < OUTPUTS; o++) {
      for (let i = 0; i < INPUTS; i++) {
        add(
          expected,
          row * OUTPUTS + o,
          at(x, row * INPUTS + i) * at(w, i * OUTPUTS + o),
        );
      }
    }
  }
  const product = tf.tidy(() =>
    linear(tf.tensor(x, [ROWS, INPUTS]), tf.tensor(w, [INPUTS, OUTPUTS]))
  );
  return await compare("matrix product", product, expected);
}

// y[r, s, o] = Σ x[r + (i − 1)·DILATION, …, c] · w[i, j, c, o], and the gradients of Σ y·d.
async function testConvolution(): Promise<CheckResult[]> {
  const x = randomValues(H * W * C, "image");
  const w = randomValues(FILTER_SIDE * FILTER_SIDE * C * O, "filter");
  const d = randomValues(H * W * O, "dy");
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(w.length);
  for (let r = 0; r < H; r++) {
    for (let s = 0; s < W; s++) {
      for (let i = 0; i < FILTER_SIDE; i++) {
        for (let j = 0; j < FILTER_SIDE; j++) {
          const row = r + (i - 1) * DILATION;
          const column = s + (j - 1) * DILATION;
          if (row < 0 || row >= H || column < 0 || column >= W) continue;
          for (let c = 0; c < C; c++) {
            for (let o = 0; o < O; o++) {
              const pixel = (row * W + column) * C + c;
              const filterIndex = ((i * FILTER_SIDE + j) * C + c) * O + o;
              const dy = at(d, (r * W + s) * O + o);
              add(dx, pixel, dy * at(w, filterIndex));
              add(dw, filterIndex, dy * at(x, pixel));
            }
          }
        }
      }
    }
  }
  const [imageGradient, filterGradient] = tf.tidy(() => {
    const dy = tf.tensor4d(d, [1, H, W, O]);
    const loss = (image: tf.Tensor, filter: tf.Tensor) =>
      tf.sum(tf.mul(
        conv2d(image as tf.Tensor4D, filter as tf.Tensor4D, {
          dilation: DILATION,
          padding: DILATION,
        }),
        dy,
      ));
    return tf.grads(loss)([
      tf.tensor4d(x, [1, H, W, C]),
      tf.tensor4d(w, [FILTER_SIDE, FILTER_SIDE, C, O]),
    ]);
  });
  return [
    await compare("gradient of a dilated convolution to its image", imageGradient, dx),
    await compare("gradient of a dilated convolution to its filter", filterGradient, dw),
  ];
}

async function compare(
  name: string,
  actual: tf.Tensor | undefined,
  expected: Float64Array,
): Promise<CheckResult> {
  const values = actual === undefined ? [] : await readBack(actual);
  actual?.dispose();
  return checkError(name, relativeError(values, expected), TOLERANCE);
}

function randomValues(length: number, stream: string): Float32Array {
  const random = createRandom(0, `self-test/${stream}`);
  return Float32Array.from({ length }, () => random.normal());
}

function at(values: Float32Array, index: number): number {
  return values[index] ?? NaN;
}

function add(sums: Float64Array, index: number, value: number): void {
  sums[index] = (sums[index] ?? NaN) + value;
}
