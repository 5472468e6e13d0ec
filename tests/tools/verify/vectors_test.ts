import assert from "node:assert/strict";
import { readSafetensors } from "../../../src/weights/safetensors_file.ts";
import { assertVerifies } from "../../support/golden.ts";
import { onEachBackend } from "../../support/mod.ts";

const FILES = [
  "vec_ops",
  "vec_losses",
  "vec_sampling",
  "vec_schedules_optim",
  "vec_augment",
  "vec_swin",
];

for (const file of FILES) {
  onEachBackend(`verifyFile() passes every line of ${file}`, async () => {
    const path = new URL(`../../golden/${file}.safetensors`, import.meta.url).pathname;
    const results = await assertVerifies(path);
    const names = new Set(results.map(({ name }) => name));
    const { tensors } = await readSafetensors(path);
    const recorded = [...tensors.keys()].filter((key) => /^(output|grad)\//.test(key));
    assert.deepEqual(recorded.filter((key) => !names.has(key)), [], "tensors left out");
  });
}
