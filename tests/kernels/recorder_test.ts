import assert from "node:assert/strict";
import { openBackend, probeAdapter, readBack } from "../../src/core/backend.ts";
import { decide, upload } from "../../src/core/decided.ts";
import type { HostBatch } from "../../src/core/host_batch.ts";
import * as tf from "../../src/core/tf.ts";
import { type StepRecorder, stepRecorder } from "../../src/kernels/recorder.ts";
import { blend } from "../../src/ops/in_place.ts";

/** A batch of three numbers. */
const batchOf = (...numbers: number[]) =>
  ({ source: { images: Float32Array.from(numbers) } }) as unknown as HostBatch;

/**
 * A step w ← keep · w + (1 − keep) · (x + 1) with the loss Σ w · x.
 *
 * @param more Does something else among it.
 */
function stepOf(recorder: StepRecorder, w: tf.Tensor, more = (x: tf.Tensor) => x) {
  const evaluate = recorder.skip((host: HostBatch) =>
    tf.tidy(() => {
      const cells = decide({ host }, ({ host }) => host.source.images);
      const x = more(upload<tf.Rank.R1>(cells, [3]));
      const loss = tf.keep(tf.sum(tf.mul(x, w))) as tf.Scalar;
      return { loss, next: tf.keep(tf.add(x, 1)) };
    })
  );
  return (host: HostBatch, keep: number) => () => {
    const { loss, next } = evaluate(host);
    blend(w, next, keep);
    next.dispose();
    return new Map([["loss", loss]]);
  };
}

async function numbersOf(tensor: tf.Tensor | undefined): Promise<number[]> {
  assert.ok(tensor);
  return Array.from(await readBack(tensor));
}

const adapter = await probeAdapter();
const onWebGpu = (name: string, test: () => Promise<void>) =>
  Deno.test({
    name,
    ignore: adapter === null && Deno.env.get("FST_REQUIRE_WEBGPU") !== "1",
    sanitizeOps: false, // the device outlives the test
    sanitizeResources: false,
    async fn() {
      await openBackend("webgpu");
      await test();
    },
  });

onWebGpu("a replay takes decided elements and uniforms of its own step", async () => {
  const w = tf.tensor1d([1, 2, 3]);
  await readBack(tf.add(w, 0));
  const recorder = stepRecorder();
  const step = stepOf(recorder, w);
  const before = tf.memory().numTensors;
  const first = batchOf(1, 1, 1);
  const recording = recorder.record(0, step(first, 0.5));
  assert.equal(recording.fault, null);
  assert.deepEqual(await numbersOf(recording.result.get("loss")), [6]);
  assert.deepEqual(await numbersOf(w), [1.5, 2, 2.5]);
  tf.dispose([...recording.result.values()]);

  let expected = [1.5, 2, 2.5];
  for (
    const [x, keep] of [[[0, 1, 2], 0.5], [[4, 8, 2], 0.25], [[1, 1, 1], 0]] as const
  ) {
    const host = batchOf(...x);
    const result = recording.replay(0, (on) => ({ ...on, host }), step(host, keep));
    const loss = expected.reduce((sum, one, i) => sum + one * (x[i] ?? 0), 0);
    expected = expected.map((one, i) => keep * one + (1 - keep) * ((x[i] ?? 0) + 1));
    assert.deepEqual(await numbersOf(result.get("loss")), [loss]);
    assert.deepEqual(await numbersOf(w), expected, "not a copy from before");
    tf.dispose([...result.values()]);
  }
  assert.equal(tf.memory().numTensors, before);
  recording.release();
  recorder.release();
  w.dispose();
});

onWebGpu("two steps that differ in an unknown value are told apart", async () => {
  const w = tf.tensor1d([1, 2, 3]);
  await readBack(tf.add(w, 0));
  const recorder = stepRecorder();
  let factor = 1;
  const steps = [
    (x: tf.Tensor) => tf.mul(x, factor),
    (x: tf.Tensor) => tf.leakyRelu(x, factor / 4),
  ];
  for (const [i, more] of steps.entries()) {
    const step = stepOf(recorder, w, more);
    const host = batchOf(1, 1, 1);
    factor = 1;
    const first = recorder.record(0, step(host, 0.5));
    const same = recorder.record(0, step(host, 0.25));
    factor = 2;
    const other = recorder.record(0, step(host, 0.5));
    assert.equal(same.differenceTo(first), null);
    assert.match(other.differenceTo(same) ?? "", /changed at command \d+$/, `step ${i}`);
    [first, same, other].forEach((recording) => recording.release());
  }
  recorder.release();
});

onWebGpu(
  "a step that computes outside of what is skipped cannot be replayed",
  async () => {
    const w = tf.tensor1d([1, 2, 3]);
    await readBack(tf.add(w, 0));
    const recorder = stepRecorder();
    const step = stepOf(recorder, w)(batchOf(1, 1, 1), 0.5);
    const { fault } = recorder.record(0, () => {
      const losses = step();
      tf.add(w, 1).dispose();
      return losses;
    });
    assert.match(fault ?? "", /ran outside of a loss evaluation$/);
    const leaking = recorder.record(0, () => {
      tf.tensor1d([1]);
      return step();
    });
    assert.equal(leaking.fault, "the step left 1 tensors behind");
  },
);
