import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { hostInput, uploadHostInput } from "../../src/core/host_input.ts";
import type { HostBatch } from "../../src/core/host_batch.ts";
import * as tf from "../../src/core/tf.ts";
import { createStepRecorder, type StepRecorder } from "../../src/gpu/step_recorder.ts";
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
async function startRecorder() {
  const w = tf.tensor1d([1, 2, 3]);
  await readBack(tf.add(w, 0));
  return { w, recorder: createStepRecorder() };
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
