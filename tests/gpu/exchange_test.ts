import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { dryRun, metaTensor } from "../../src/core/dry_run.ts";
import * as tf from "../../src/core/tf.ts";
import {
  exchangesSettled,
  exchangeTensors,
  type HostExchange,
} from "../../src/gpu/exchange.ts";
import { onCpu } from "../support/mod.ts";

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

const float32 = (...shape: number[]) => ({ shape, dtype: "float32" as const });
const int32 = (...shape: number[]) => ({ shape, dtype: "int32" as const });

onCpu("exchangeTensors() makes tensors of other shapes", async () => {
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

onCpu("exchangeTensors() passes integers on as their bits", async () => {
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

onCpu("exchangeTensors() refuses what it cannot exchange", () => {
  const x = tf.tensor1d([1, 2]);
  const flags = tf.tensor1d([true, false], "bool");
  const before = tf.memory().numTensors;
  assert.throws(() => exchangeTensors([x, flags], [float32(4)], DOUBLE), {
    name: "TypeError",
    message:
      'Cannot exchange tensors for "test exchange": one is of type bool; use tf.cast()',
  });
  assert.throws(() => exchangeTensors([x], [float32(1), float32(2)], DOUBLE), {
    name: "RangeError",
    message:
      'Cannot exchange tensors for "test exchange": it gave 2 values for 3 elements',
  });
  assert.equal(tf.memory().numTensors, before);
});

onCpu("exchangeTensors() makes shapes alone in a dry run", async () => {
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
