import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { createStepRecorder } from "../../src/gpu/step_recorder.ts";
import {
  planSubmits,
  splitGrid,
  TIME_LIMITS,
  type TimeLimits,
} from "../../src/gpu/step_submitter.ts";
import { lerp } from "../../src/ops/in_place/in_place.ts";
import { matMul } from "../../src/ops/mat_mul/mat_mul.ts";
import { onWebGpu, randomTensor } from "../support/mod.ts";

Deno.test("planSubmits() joins neighbors up to the limit", () => {
  const plan = (...times: number[]) =>
    planSubmits(times.map((seconds) => ({ seconds, exchange: null })), 1).map((submit) =>
      submit.map(({ seconds }) => seconds)
    );
  assert.deepEqual(plan(0.25, 0.5, 0.25, 0.5), [[0.25, 0.5, 0.25], [0.5]]);
  assert.deepEqual(plan(3, 0.5, 3), [[3], [0.5], [3]]);
  assert.deepEqual(plan(0, 0), [[0, 0]]);
  assert.deepEqual(plan(), []);
});

Deno.test("splitGrid() covers every workgroup once", () => {
  for (const grid of [[1, 1], [7, 1], [64, 1], [65535, 3], [40000, 17]] as const) {
    for (const count of [1, 2, 3, 5, Infinity]) {
      const [x, y] = grid;
      let next = 0;
      for (const { firstGroup, workgroups } of splitGrid([x, y, 1], count)) {
        assert.equal(firstGroup, next);
        // Folded rows are as long as in the whole, or there is one.
        assert.ok(workgroups[0] === x || workgroups[1] === 1);
        next += workgroups[0] * workgroups[1];
      }
      assert.equal(next, x * y);
    }
  }
});

onWebGpu("Recording.replay() computes the same bits command by command", async () => {
  const start = () => randomTensor<tf.Rank.R2>([600, 4], "w");
  const run = async (limits: TimeLimits) => {
    const lines: string[] = [];
    const w = start();
    const factor = randomTensor<tf.Rank.R2>([4, 4], "factor");
    await readBack(tf.add(w, factor.size));
    const recorder = createStepRecorder((line) => lines.push(line), limits);
    const product = recorder.skipOnReplay(() => tf.keep(matMul(w, factor)));
    const step = () => {
      const next = product();
      lerp(w, next, 0.9);
      next.dispose();
      return new Map<string, tf.Scalar>();
    };
    const recording = recorder.record(0, step);
    for (let i = 0; i < 6; i++) {
      recording.replay(0, (key) => key, step);
      await readBack(tf.add(w, 0)); // lets the times arrive
    }
    const bits = await readBack(w);
    recording.release();
    recorder.release();
    return { bits, lines };
  };
  const whole = await run(TIME_LIMITS);
  const split = await run({ submit: 0, command: 0 });
  assert.deepEqual(whole.lines, []);
  const [line = ""] = split.lines;
  const [, submits] = /^an iteration takes .* s on .* in (\d+) submits$/.exec(line) ?? [];
  assert.ok(Number(submits) > 10, `${line}: the two commands are split`);
  assert.ok(whole.bits.every((value, i) => Object.is(value, split.bits[i])));
});
