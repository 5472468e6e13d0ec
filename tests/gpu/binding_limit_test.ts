// Tensors beyond 128 MiB, the binding limit of some devices: products and convolutions
// process them in chunks, all other kernels reject them. tfjs operations are not used.
import assert from "node:assert/strict";
import { openBackend, probeAdapter, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { convSizes } from "../../src/ops/conv2d/conv_sizes.ts";
import { conv2dFilterGradient, fusedConv2d } from "../../src/ops/conv2d/implicit_gemm.ts";
import { gelu } from "../../src/ops/gelu/gelu.ts";
import { fusedMatMul } from "../../src/ops/mat_mul/fused_mat_mul.ts";

const LIMIT = 2 ** 25; // elements in 128 MiB

function onWebGpu(name: string, test: () => Promise<void>): void {
  Deno.test({
    name,
    ignore: adapter === null,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await openBackend("webgpu");
      await test();
    },
  });
}

const adapter = await probeAdapter();
const isSmall = (adapter?.limits["maxStorageBufferBindingSize"] ?? 0) <= 4 * LIMIT;

/** Small whole numbers that repeat after a prime, so that all chunks differ. */
const pattern = (i: number) => i % 251 % 8 - 3;

onWebGpu("fusedMatMul() multiplies factors beyond 128 MiB", async () => {
  const [rows, depth] = [LIMIT / 32 + 1000, 32];
  const a = tf.tensor2d(
    Float32Array.from({ length: rows * depth }, (_, i) => pattern(i)),
    [
      rows,
      depth,
    ],
  );
  const b = tf.tensor2d(Float32Array.from({ length: 32 }, (_, i) => i + 1), [depth, 1]);
  const product = fusedMatMul(a, b);
  const found = await readBack(product);
  for (const row of [0, 1, LIMIT / 64, LIMIT / 32 - 1, LIMIT / 32, rows - 1]) {
    let sum = 0;
    for (let k = 0; k < depth; k++) sum += pattern(row * depth + k) * (k + 1);
    assert.equal(found[row], sum, `row ${row}`);
  }
  tf.dispose([a, b, product]);
});

onWebGpu(
  "fusedConv2d() and conv2dFilterGradient() read maps beyond 128 MiB",
  async () => {
    const [batch, side, channels] = [5, 1344, 4]; // 27.6 MiB an image
    const map: [number, number, number, number] = [batch, side, side, channels];
    const length = batch * side * side * channels;
    assert(length > LIMIT);
    const x = tf.tensor4d(Float32Array.from({ length }, (_, i) => pattern(i)), map);
    const filter = tf.tensor4d(
      Float32Array.from({ length: 16 }, (_, i) => i - 7),
      [2, 2, channels, 1],
    );
    const sizes = convSizes(map, [2, 2], { stride: 16 });
    const y = fusedConv2d(x, filter, sizes);
    const [, OH, OW] = y.shape as [number, number, number, number];
    const dy = tf.ones(y.shape);
    const dw = conv2dFilterGradient(x, dy, sizes);
    const [ys, dws] = [await readBack(y), await readBack(dw)];
    const sums = new Float64Array(16);
    for (let pixel = 0; pixel < batch * OH * OW; pixel++) {
      const image = Math.floor(pixel / (OH * OW));
      const [row, column] = [Math.floor(pixel / OW) % OH * 16, pixel % OW * 16];
      let sum = 0;
      for (let i = 0; i < 16; i++) {
        const [ky, kx, c] = [Math.floor(i / 8), Math.floor(i / 4) % 2, i % 4];
        const at = (image * side + row + ky) * side + column + kx;
        const value = pattern(at * channels + c);
        sum += value * (i - 7);
        sums[i] = (sums[i] ?? 0) + value;
      }
      assert.equal(ys[pixel], sum, `pixel ${pixel}`);
    }
    assert.deepEqual([...dws], [...sums]);
    tf.dispose([x, filter, y, dy, dw]);
  },
);

if (isSmall) {
  onWebGpu(
    "gelu() and fusedMatMul() reject tensors that the device cannot bind",
    async () => {
      const x = tf.tensor1d(new Float32Array(LIMIT + 64));
      assert.throws(() => gelu(x), {
        name: "RangeError",
        message:
          'Cannot run kernel "gelu" on a tensor of 129 MiB: this device binds at most ' +
          "128 MiB; use smaller images or batches",
      });
      assert.throws(() => fusedMatMul(tf.reshape(x, [1, x.size]), tf.ones([x.size, 1])), {
        name: "RangeError",
        message: /this device binds at most 128 MiB/,
      });
      await Promise.resolve(x.dispose());
    },
  );
}
