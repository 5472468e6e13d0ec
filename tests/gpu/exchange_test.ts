import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import { dryRun, metaTensor } from "../../src/core/dry_run.ts";
import * as tf from "../../src/core/tf.ts";
import {
  exchangesSettled,
  exchangeTensors,
  type HostExchange,
} from "../../src/gpu/exchange.ts";
import { webGpuBackend } from "../../src/gpu/tfjs_webgpu.ts";
import { lerp } from "../../src/ops/in_place/in_place.ts";
import { assertClose, onCpu, onEachBackend, onWebGpu } from "../support/mod.ts";

type Values = Float32Array<ArrayBuffer>;

/** An exchange that takes a moment where it does not block. */
function exchangeOf(run: (values: Values) => Values, milliseconds = 1): HostExchange {
  return {
    name: "test exchange",
    run,
    async runAsync(values) {
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      return run(values);
    },
  };
}

/** x → 2x + 1. */
const DOUBLE = exchangeOf((values) => values.map((value) => 2 * value + 1));

const TOO_FEW = {
  name: "RangeError",
  message: 'Cannot exchange tensors for "test exchange": it gave 2 values for 3 elements',
};

const float32 = (...shape: number[]) => ({ shape, dtype: "float32" as const });
const int32 = (...shape: number[]) => ({ shape, dtype: "int32" as const });

onEachBackend("exchangeTensors() makes tensors of other shapes", async () => {
  const received: number[][] = [];
  const gather = exchangeOf((values) => {
    received.push([...values]);
    return Float32Array.of(...values, ...values.map((value) => -value), 7);
  });
  const x = tf.tensor2d([[1, 2], [3, 4]]);
  const y = tf.tensor1d([5]);
  const before = tf.memory().numTensors;
  const [both, scalar, empty] = exchangeTensors(
    [x, y],
    [float32(2, 5), float32(), float32(0, 3)],
    gather,
  );
  assert.equal(tf.memory().numTensors, before + 3);
  assert.ok(both && scalar && empty);
  assert.deepEqual([both.shape, scalar.shape, empty.shape], [[2, 5], [], [0, 3]]);
  assert.deepEqual([...await readBack(both)], [1, 2, 3, 4, 5, -1, -2, -3, -4, -5]);
  assert.deepEqual([...await readBack(scalar)], [7]);
  assert.deepEqual([...await readBack(empty)], []);
  assert.deepEqual(received, [[1, 2, 3, 4, 5]]);
  await exchangesSettled();
});

onEachBackend("exchangeTensors() passes integers on as their bits", async () => {
  // Among them bits of numbers that are tiny or not finite.
  const integers = [0, 1, -1, 0x7fc00001, 0x7f800001, 0x00000abc, 2 ** 31 - 1];
  const x = tf.tensor1d(integers, "int32");
  const swap = exchangeOf((values) => {
    const swapped = values.slice();
    swapped.set(values.subarray(0, 2), 7);
    swapped.set(values.subarray(7), 0);
    return swapped;
  });
  const [numbers, copy] = exchangeTensors(
    [x, tf.tensor1d([0.5, 3])],
    [float32(2), int32(7)],
    swap,
  );
  assert.ok(numbers && copy);
  assert.equal(copy.dtype, "int32");
  assert.deepEqual([...await readBack(numbers)], [0.5, 3]);
  assert.deepEqual([...await readBack(copy)], [...integers.slice(2), 0, 1]);
});

onEachBackend("exchangeTensors() reads integers that were cast to float32", async () => {
  const x = tf.cast(tf.tensor1d([1, -2, 70000], "int32"), "float32");
  const before = tf.memory().numTensors;
  const [y] = exchangeTensors([x], [float32(3)], DOUBLE);
  assert.ok(y);
  assert.equal(tf.memory().numTensors, before + 1);
  assert.deepEqual([...await readBack(y)], [3, -3, 140001]);
});

onEachBackend("exchangeTensors() refuses what it cannot exchange", () => {
  const x = tf.tensor1d([1, 2]);
  const flags = tf.tensor1d([true, false], "bool");
  const before = tf.memory().numTensors;
  assert.throws(() => exchangeTensors([x, flags], [float32(4)], DOUBLE), {
    name: "TypeError",
    message:
      'Cannot exchange tensors for "test exchange": one is of type bool; use tf.cast()',
  });
  assert.equal(tf.memory().numTensors, before);
});

onEachBackend("exchangeTensors() makes shapes alone in a dry run", async () => {
  const kernels: tf.KernelCall[] = [];
  const run = () => {
    const x = metaTensor([3, 4]);
    const [y] = exchangeTensors([x], [int32(5)], exchangeOf(() => assert.fail()));
    assert.deepEqual([y?.shape, y?.dtype], [[5], "int32"]);
    tf.dispose([x, y]);
  };
  const { peakAllocations } = await dryRun(run, {
    onKernel: (call) => kernels.push(call),
  });
  assert.deepEqual(peakAllocations.map(({ bytes }) => bytes), [48, 20]);
  assert.deepEqual(kernels.map(({ kernel }) => kernel), ["test exchange"]);
});

onCpu("exchangeTensors() throws what an exchange throws", () => {
  const x = tf.tensor1d([1, 2]);
  const before = tf.memory().numTensors;
  assert.throws(() => exchangeTensors([x], [float32(1), float32(2)], DOUBLE), TOO_FEW);
  const error = new Error("a rank is gone");
  const failing = exchangeOf(() => {
    throw error;
  });
  assert.throws(() => exchangeTensors([x], [float32(2)], failing), error);
  assert.equal(tf.memory().numTensors, before);
});

/**
 * `length` times an operation, an exchange, and a change in place: x ← 2 · x · factor + 1,
 * and w ← w/2 + x/2.
 *
 * @returns x and w.
 */
function chain(length: number): tf.Tensor {
  return tf.tidy(() => {
    const w = tf.tensor1d([0, 0, 0]);
    let x: tf.Tensor = tf.tensor1d([1, 2, 3]);
    for (let i = 0; i < length; i++) {
      x = tf.tidy(() => { // its buffers serve others before the exchange is done
        const factors = tf.tensor1d(factorsAt(i));
        const [y] = exchangeTensors(
          [tf.mul(x, factors), tf.tensor1d([i])],
          [float32(3), float32(1)],
          DOUBLE,
        );
        assert.ok(y);
        lerp(w, y, 0.5);
        return tf.add(y, tf.tensor1d([0, 0, 0]));
      });
    }
    return tf.concat([x, w]);
  });
}

const factorsAt = (i: number) => [0.25 / (1 + i % 3), 0.5, i % 2];

function expectedChain(length: number): number[] {
  const elements = [1, 2, 3].map((x, k) => {
    let w = 0;
    for (let i = 0; i < length; i++) {
      x = 2 * x * (factorsAt(i)[k] ?? NaN) + 1;
      w = w / 2 + x / 2;
    }
    return [x, w];
  });
  return [0, 1].flatMap((row) => elements.map((pair) => pair[row] ?? NaN));
}

onEachBackend("exchangeTensors() keeps the order of what is around it", async () => {
  const expected = expectedChain(20);
  const before = tf.memory().numTensors;
  const results = [chain(20), chain(20)];
  assert.equal(tf.memory().numTensors, before + 2);
  for (const result of results) { // the exchanges go on while the first one waits
    await assertClose(result, expected, 1e-6);
  }
  tf.dispose(results);
});

onWebGpu("exchangeTensors() leaves no memory behind", async () => {
  const { bufferManager } = webGpuBackend();
  const run = async () => {
    chain(100).dispose();
    await exchangesSettled();
    return [bufferManager.numBytesAllocated, bufferManager.numFreeBuffers];
  };
  await run();
  const usual = await run();
  assert.deepEqual([await run(), await run()], [usual, usual]);
});

onWebGpu("exchangeTensors() keeps back what WebGPU itself is given", async () => {
  const { device } = webGpuBackend();
  const { MAP_READ, COPY_DST } = GPUBufferUsage;
  const buffer = device.createBuffer({ size: 16, usage: MAP_READ | COPY_DST });
  const [y] = exchangeTensors([tf.tensor1d([1])], [float32(1)], DOUBLE);
  assert.ok(y);
  const elements = Float32Array.of(7, 8, 9, 10);
  device.queue.writeBuffer(buffer, 0, elements);
  device.queue.writeBuffer(buffer, 8, elements.buffer, 0, 4);
  device.queue.writeBuffer(buffer, 12, elements.subarray(1), 0, 1);
  elements.fill(0);
  device.queue.submit([]); // without one, Deno does not write before it maps
  await buffer.mapAsync(GPUMapMode.READ, 8);
  assert.deepEqual([...new Float32Array(buffer.getMappedRange(8))], [7, 8]);
  buffer.unmap();
  buffer.destroy();
  await device.queue.onSubmittedWorkDone();
});

onWebGpu("exchangeTensors() waits where a buffer is not mapped at once", async () => {
  const run = async () => {
    const [y] = exchangeTensors([tf.tensor1d([1])], [float32(1)], DOUBLE);
    await exchangesSettled();
    assert.ok(y);
    return [...await readBack(y)];
  };
  assert.deepEqual(await run(), [3]); // the next one may look at once
  const { getMappedRange } = GPUBuffer.prototype;
  let refusals = 0;
  GPUBuffer.prototype.getMappedRange = function (...range) {
    if (this.label === "exchange" && refusals++ === 0) {
      throw new DOMException("Not mapped", "OperationError");
    }
    return getMappedRange.apply(this, range);
  };
  try {
    assert.deepEqual(await run(), [3]);
    assert.ok(refusals > 1);
  } finally {
    GPUBuffer.prototype.getMappedRange = getMappedRange;
  }
});

onWebGpu("exchangeTensors() does not wait for more than there is", async () => {
  const order: string[] = [];
  const note = (text: string) =>
    exchangeOf((values) => {
      order.push(text);
      return values;
    }, 5);
  const x = tf.tensor1d([1]);
  exchangeTensors([x], [float32(1)], note("first"));
  const settled = exchangesSettled().then(() => order.push("settled"));
  exchangeTensors([x], [float32(1)], note("second"));
  order.push("given");
  await settled;
  await exchangesSettled();
  await exchangesSettled();
  assert.deepEqual(order, ["given", "first", "settled", "second"]);
});

onWebGpu("exchangesSettled() rejects with what an exchange failed with", async () => {
  const error = new Error("a rank is gone");
  const failing = { ...DOUBLE, runAsync: () => Promise.reject(error) };
  const weight = tf.tensor1d([1, 2]);
  await readBack(tf.add(weight, 0));
  for (
    const [exchange, outputs, expected] of [
      [failing, [float32(2)], error],
      [DOUBLE, [float32(1), float32(2)], TOO_FEW],
    ] as const
  ) {
    const x = tf.tensor1d([1, 2]);
    const [y] = exchangeTensors([tf.add(x, 1)], outputs, exchange);
    assert.ok(y);
    const [z] = exchangeTensors([y], [float32(y.size)], exchangeOf(() => assert.fail()));
    assert.ok(z);
    const reads = [readBack(z), readBack(tf.add(x, 1)), exchangesSettled()];
    for (const { status } of await Promise.allSettled(reads)) {
      assert.equal(status, "rejected");
    }
    for (const read of reads) await assert.rejects(read, expected);
    await assert.rejects(exchangesSettled(), expected);
    await assert.rejects(readBack(x), expected);
    assert.throws(() => exchangeTensors([x], [float32(2)], DOUBLE), expected);
    await openBackend("webgpu");
    await exchangesSettled();
    const [again] = exchangeTensors([tf.tensor1d([3])], [float32(1)], DOUBLE);
    assert.ok(again);
    assert.deepEqual([...await readBack(again)], [7]);
  }
});

onWebGpu("exchangesSettled() rejects when the GPU is lost meanwhile", async () => {
  const [y] = exchangeTensors([tf.tensor1d([1])], [float32(1)], DOUBLE);
  assert.ok(y);
  exchangeTensors([y], [float32(1)], DOUBLE);
  webGpuBackend().device.destroy();
  await assert.rejects(exchangesSettled(), /^Error: Cannot continue/);
  await assert.rejects(readBack(y), /^Error: Cannot continue/);
  await openBackend("webgpu");
});

onWebGpu(
  "exchangesSettled() rejects with what the device refuses meanwhile",
  async () => {
    const { device } = webGpuBackend();
    exchangeTensors([tf.tensor1d([1])], [float32(1)], DOUBLE);
    device.queue.submit([{} as GPUCommandBuffer]);
    await assert.rejects(exchangesSettled(), TypeError);
    await assert.rejects(readBack(tf.tensor1d([1])), TypeError);
    await openBackend("webgpu");
    await exchangesSettled();
  },
);
