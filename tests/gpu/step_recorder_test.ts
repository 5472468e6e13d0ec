import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { hostInput, uploadHostInput } from "../../src/core/host_input.ts";
import type { HostBatch } from "../../src/core/host_batch.ts";
import * as tf from "../../src/core/tf.ts";
import {
  exchangesSettled,
  exchangeTensors,
  type HostExchange,
} from "../../src/gpu/exchange.ts";
import {
  createStepRecorder,
  type Recording,
  type StepRecorder,
} from "../../src/gpu/step_recorder.ts";
import { TIME_LIMITS } from "../../src/gpu/step_submitter.ts";
import { dropout } from "../../src/ops/dropout/dropout.ts";
import { lerp } from "../../src/ops/in_place/in_place.ts";
import { onWebGpu } from "../support/backends.ts";

/** A batch of three numbers. */
const batchOf = (...numbers: number[]) =>
  ({ source: { images: Float32Array.from(numbers) } }) as unknown as HostBatch;

/**
 * A step w ← decay · w + (1 − decay) · (x + 1) with the loss Σ w · x.
 *
 * @param transform An extra operation on x.
 */
function stepOf(recorder: StepRecorder, w: tf.Tensor, transform = (x: tf.Tensor) => x) {
  const evaluate = recorder.skipOnReplay((host: HostBatch) =>
    tf.tidy(() => {
      const elements = hostInput({ host }, ({ host }) => host.source.images);
      const x = transform(uploadHostInput<tf.Rank.R1>(elements, [3]));
      const loss = tf.keep(tf.sum(tf.mul(x, w))) as tf.Scalar;
      return { loss, next: tf.keep(tf.add(x, 1)) };
    })
  );
  return (host: HostBatch, decay: number) => () => {
    const { loss, next } = evaluate(host);
    lerp(w, next, decay);
    next.dispose();
    return new Map([["loss", loss]]);
  };
}

/** Three weights on the device, and a recorder. */
async function startRecorder(...options: Parameters<typeof createStepRecorder>) {
  const w = tf.tensor1d([1, 2, 3]);
  await readBack(tf.add(w, 0));
  return { w, recorder: createStepRecorder(...options) };
}

async function numbersOf(tensor: tf.Tensor | undefined): Promise<number[]> {
  assert.ok(tensor);
  return Array.from(await readBack(tensor));
}

onWebGpu(
  "Recording.replay() uses host inputs and uniforms of the replayed step",
  async () => {
    const { w, recorder } = await startRecorder();
    const step = stepOf(recorder, w);
    const before = tf.memory().numTensors;
    const first = batchOf(1, 1, 1);
    const recording = recorder.record(0, step(first, 0.5));
    assert.equal(recording.notReplayableReason, null);
    assert.deepEqual(await numbersOf(recording.result.get("loss")), [6]);
    assert.deepEqual(await numbersOf(w), [1.5, 2, 2.5]);
    tf.dispose([...recording.result.values()]);

    let expected = [1.5, 2, 2.5];
    for (
      const [x, decay] of [[[0, 1, 2], 0.5], [[4, 8, 2], 0.25], [[1, 1, 1], 0]] as const
    ) {
      const host = batchOf(...x);
      const result = recording.replay(0, (key) => ({ ...key, host }), step(host, decay));
      const loss = expected.reduce((sum, value, i) => sum + value * (x[i] ?? 0), 0);
      expected = expected.map((value, i) =>
        decay * value + (1 - decay) * ((x[i] ?? 0) + 1)
      );
      assert.deepEqual(await numbersOf(result.get("loss")), [loss]);
      assert.deepEqual(await numbersOf(w), expected, "the recorded buffer itself");
      tf.dispose([...result.values()]);
    }
    assert.equal(tf.memory().numTensors, before);
    recording.release();
    recorder.release();
    w.dispose();
  },
);

onWebGpu("Recording.describeDifference() finds values that differ", async () => {
  const { w, recorder } = await startRecorder();
  let factor = 1;
  const steps = [
    (x: tf.Tensor) => tf.mul(x, factor),
    (x: tf.Tensor) => tf.leakyRelu(x, factor / 4),
  ];
  for (const [i, transform] of steps.entries()) {
    const step = stepOf(recorder, w, transform);
    const host = batchOf(1, 1, 1);
    factor = 1;
    const first = recorder.record(0, step(host, 0.5));
    const same = recorder.record(0, step(host, 0.25));
    factor = 2;
    const other = recorder.record(0, step(host, 0.5));
    assert.equal(same.describeDifference(first), null);
    assert.match(
      other.describeDifference(same) ?? "",
      /changed at command \d+$/,
      `step ${i}`,
    );
    [first, same, other].forEach((recording) => recording.release());
  }
  recorder.release();
});

onWebGpu(
  "StepRecorder.record() rejects operations outside of skipOnReplay()",
  async () => {
    const { w, recorder } = await startRecorder();
    const step = stepOf(recorder, w)(batchOf(1, 1, 1), 0.5);
    const { notReplayableReason } = recorder.record(0, () => {
      const losses = step();
      tf.add(w, 1).dispose();
      return losses;
    });
    assert.match(
      notReplayableReason ?? "",
      /ran outside of a forward and backward pass$/,
    );
    const leaking = recorder.record(0, () => {
      tf.tensor1d([1]);
      return step();
    });
    assert.equal(leaking.notReplayableReason, "the step leaked 1 tensors");
  },
);

/** Sums over two ranks that have the same, and counts how often. */
function countedSum(name = "sum"): HostExchange & { count: number } {
  const sum = {
    name,
    count: 0,
    run: (values: Float32Array<ArrayBuffer>) => values.map((value) => 2 * value),
    async runAsync(values: Float32Array<ArrayBuffer>) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      sum.count++;
      return sum.run(values);
    },
  };
  return sum;
}

/** {@linkcode stepOf} with dropout and an exchange in each of three layers. */
function exchangingStep(recorder: StepRecorder, w: tf.Tensor, sum: HostExchange) {
  let iteration = 0;
  const step = stepOf(recorder, w, (x) => {
    for (let layer = 0; layer < 3; layer++) {
      const mask = dropout(x, 0.5, "element", { seed: 1, stream: layer, iteration });
      const outputs = [{ shape: [3], dtype: "float32" as const }];
      const [total] = exchangeTensors([tf.mul(mask, 0.5)], outputs, sum);
      assert.ok(total);
      x = tf.add(total, tf.tensor1d([layer, 1, 2]));
    }
    return x;
  });
  return (host: HostBatch, decay: number, forwardCount: number) => () => {
    iteration = forwardCount;
    return step(host, decay)();
  };
}

onWebGpu("Recording.replay() exchanges tensors between the same commands", async () => {
  const steps = [[1, 2, 3], [0, 1, 2], [4, 8, 2], [1, 1, 5], [2, 2, 2]].map((x, i) =>
    [batchOf(...x), 1 / (2 + i), 10 * i] as const
  );
  const run = async (
    { recorded = true, settles = true, limits = TIME_LIMITS } = {},
  ) => {
    const sum = countedSum();
    const lines: string[] = [];
    const { w, recorder } = await startRecorder((line) => lines.push(line), limits);
    const step = exchangingStep(recorder, w, sum);
    const results: ReadonlyMap<string, tf.Scalar>[] = [];
    let recording: Recording | null = null;
    const before = tf.memory().numTensors;
    for (const [host, decay, forwardCount] of steps) {
      const code = step(host, decay, forwardCount);
      if (!recorded) results.push(code());
      else if (recording === null) {
        recording = recorder.record(forwardCount, code);
        assert.equal(recording.notReplayableReason, null);
        results.push(recording.result);
      } else {
        const keyForStep = <O>(key: O) => ({ ...key, host });
        results.push(recording.replay(forwardCount, keyForStep, code));
      }
      if (settles) await exchangesSettled();
    }
    const losses: number[][] = [];
    for (const result of results) losses.push(await numbersOf(result.get("loss")));
    const weights = await numbersOf(w);
    tf.dispose(results.flatMap((result) => [...result.values()]));
    assert.equal(tf.memory().numTensors, before);
    assert.equal(sum.count, 3 * steps.length);
    recording?.release();
    recorder.release();
    return { losses, weights, lines };
  };
  const direct = await run({ recorded: false });
  assert.deepEqual(await run(), direct);
  assert.deepEqual(await run({ settles: false }), direct);
  const { lines, ...split } = await run({ limits: { submit: 0, command: Infinity } });
  assert.deepEqual({ ...split, lines: [] }, direct);
  assert.match(lines[0] ?? "", /it goes there in 1\d submits$/);
});

onWebGpu("Recording.describeDifference() finds exchanges that differ", async () => {
  const { w, recorder } = await startRecorder();
  const record = (size: number, sum: HostExchange) => {
    const exchange = recorder.skipOnReplay(() => {
      const outputs = [{ shape: [size], dtype: "float32" as const }];
      tf.dispose(exchangeTensors([tf.slice(w, 0, size)], outputs, sum));
    });
    return recorder.record(0, () => {
      tf.tidy(exchange);
      return new Map();
    });
  };
  const sums = [countedSum(), countedSum(), countedSum("mean")] as const;
  const first = record(2, sums[0]);
  assert.equal(record(2, sums[1]).describeDifference(first), null);
  assert.match(
    record(2, sums[2]).describeDifference(first) ?? "",
    /^sum was replaced by mean at command \d+$/,
  );
  assert.match(record(3, sums[0]).describeDifference(first) ?? "", /changed at command/);
  await exchangesSettled();
  recorder.release();
});

onWebGpu(
  "StepRecorder.record() rejects exchanges outside of skipOnReplay()",
  async () => {
    const { w, recorder } = await startRecorder();
    const step = stepOf(recorder, w)(batchOf(1, 1, 1), 0.5);
    const outputs = [{ shape: [3], dtype: "float32" as const }];
    const exchanging = () => {
      tf.dispose(exchangeTensors([w], outputs, countedSum()));
      return step();
    };
    assert.equal(
      recorder.record(0, exchanging).notReplayableReason,
      "sum ran outside of a forward and backward pass",
    );
    const recording = recorder.record(0, step);
    assert.throws(() => recording.replay(0, (key) => key, exchanging), {
      name: "TypeError",
      message:
        'Cannot replay exchange "sum": it makes a tensor outside of a forward and ' +
        "backward pass",
    });
    await exchangesSettled();
    recorder.release();
  },
);
