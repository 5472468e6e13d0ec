import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { openBackend, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { train } from "../../src/train/train.ts";
import {
  type Heap,
  openWasmEngine,
  useWasmEngine,
  wasmEngine,
} from "../../src/wasm/engine.ts";
import { startThread } from "../../src/wasm/start_thread.ts";
import { withSharedMemory } from "../../src/wasm/shared_memory.ts";
import { conv2d } from "../../src/ops/conv2d/conv2d.ts";
import { linear } from "../../src/ops/linear.ts";
import { tinyConfig } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";
import { heapOfBackend, randomTensor } from "../support/mod.ts";

const THREADS = [1, 2, 3];

/** Kernel, dilation and channels of the result. */
const MANY_CHANNELS = [[3, 1, 192], [3, 7, 100], [1, 1, 50]] as const;

/** Runs on the kernels with each number of threads, on one shared heap. */
async function withThreads<T>(run: (threads: number) => Promise<T>): Promise<T[]> {
  await openBackend("wasm", { threads: Math.max(...THREADS) });
  const inUse = wasmEngine();
  const heap: Heap = heapOfBackend();
  const results: T[] = [];
  try {
    for (const threads of THREADS) {
      const engine = await openWasmEngine(heap, { threads, startThread });
      useWasmEngine(engine);
      results.push(await run(threads));
      engine.close();
    }
  } finally {
    useWasmEngine(inUse);
  }
  return results;
}

/** Of the bits of a tensor: a difference between long arrays would take minutes to print. */
async function digest(tensor: tf.Tensor): Promise<string> {
  const values = await readBack(tensor);
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return createHash("sha256").update(bytes).digest("hex");
}

function assertAllEqual(results: readonly unknown[]): void {
  for (const result of results) assert.deepEqual(result, results[0]);
}

Deno.test({
  name: "products and convolutions have the same bits for any number of threads",
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    const results = await withThreads(async () => {
      const found: string[] = [];
      // Often: a race would not show each time.
      for (let i = 0; i < 50; i++) {
        const x = randomTensor<tf.Rank.R4>([2, 17, 19, 24], `x${i % 3}`);
        const w = randomTensor<tf.Rank.R4>([3, 3, 24, 20], "w");
        const matrix = randomTensor<tf.Rank.R2>([20, 33], "matrix");
        const tensors = tf.tidy(() => {
          const f = (x: tf.Tensor, w: tf.Tensor) =>
            linear(
              conv2d(x as tf.Tensor4D, w as tf.Tensor4D, {
                padding: 1,
                stride: 1 + i % 2,
              }),
              matrix,
            );
          return [f(x, w), ...tf.grads(f)([x, w])];
        });
        found.push(...await Promise.all(tensors.map(digest)));
        tf.dispose([x, w, matrix, ...tensors]);
      }
      return found;
    });
    assertAllEqual(results);
  },
});

Deno.test({
  name: "convolutions of many channels have the same bits for any number of threads",
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    const results = await withThreads(async () => {
      const found: string[] = [];
      // By Winograd's algorithm, with gathered rows, and one tap.
      for (const [kernel, dilation, outputs] of MANY_CHANNELS) {
        const x = randomTensor<tf.Rank.R4>([2, 20, 20, 256], "x");
        const w = randomTensor<tf.Rank.R4>([kernel, kernel, 256, outputs], "w");
        const options = { dilation, padding: dilation * (kernel - 1) / 2 };
        const tensors = tf.tidy(() => {
          const f = (x: tf.Tensor, w: tf.Tensor) =>
            conv2d(x as tf.Tensor4D, w as tf.Tensor4D, options) as tf.Tensor;
          return [f(x, w), ...tf.grads(f)([x, w])];
        });
        found.push(...await Promise.all(tensors.map(digest)));
        tf.dispose([x, w, ...tensors]);
      }
      return found;
    });
    assertAllEqual(results);
  },
});

Deno.test({
  name: "training has the same bits for any number of threads",
  sanitizeResources: false,
  sanitizeOps: false,
  fn: () =>
    inFolder(async (folder) => {
      const config = tinyConfig(
        "method={ name: self-training, lookAhead: { depth: 1 } }",
        "iterations=4",
      );
      const results = await withThreads(async (threads) => {
        const out = join(folder, String(threads));
        const { status } = await train(config, { out, backend: "wasm" });
        assert.equal(status, "finished");
        const log = await Deno.readTextFile(join(out, "log.jsonl"));
        return log.trim().split("\n").map((line) => JSON.parse(line).losses);
      });
      assert.equal(results[0]?.length, 4);
      assertAllEqual(results);
    }),
});

Deno.test("a program that has threads ends by itself", async () => {
  const program = `
    import { openBackend } from ${JSON.stringify(import.meta.resolve("../../mod.ts"))};
    console.log((await openBackend("wasm", { threads: 2 })).engine.threads);
  `;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    signal: AbortSignal.timeout(60_000),
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.equal(new TextDecoder().decode(stdout), "2\n");
});

Deno.test("several threads need a shared heap", async () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const heap = { memory, malloc: () => 0, free() {} };
  await assert.rejects(
    openWasmEngine(heap, { threads: 2 }),
    { name: "RangeError", message: "Cannot use 2 threads: the heap is not shared" },
  );
});

Deno.test("withSharedMemory() refuses what has no memory with a maximum", () => {
  const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  assert.throws(
    () => withSharedMemory(empty),
    /^RangeError: Cannot share the memory of a module/,
  );
});
