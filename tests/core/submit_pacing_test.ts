import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { createSubmitPacing } from "../../src/core/submit_pacing.ts";
import * as tf from "../../src/core/tf.ts";
import { onWebGpu } from "../support/mod.ts";

Deno.test("createSubmitPacing() keeps a submit to a tenth of a second", () => {
  let seconds = 0;
  const pacing = createSubmitPacing(() => seconds);
  const first = pacing.commands;
  const spend = (count: number, taken: number) => {
    pacing.onSubmit(count / 2);
    pacing.onSubmit(count / 2);
    seconds += taken;
    pacing.onIdle();
    return pacing.commands;
  };
  assert.ok(first <= 64, "little before anything is known");
  assert.equal(spend(1000, 1), 100);
  assert.equal(spend(1000, 0.01), 1024);
  assert.equal(spend(1000, 1000), 8);
  assert.equal(spend(2, 0.0001), 8, "too few to tell");
  assert.equal(spend(1000, 2), 50);
});

onWebGpu("readBack() tells how many commands go to the device at a time", async () => {
  const commandsPerSubmit = () => tf.env().getNumber("WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE");
  tf.env().set("WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE", 1);
  let x: tf.Tensor = tf.zeros([10]);
  for (let i = 0; i < 50; i++) x = tf.add(x, 1);
  assert.deepEqual(new Set(await readBack(x)), new Set([50]));
  assert.ok(commandsPerSubmit() >= 8, `${commandsPerSubmit()}`);
});
