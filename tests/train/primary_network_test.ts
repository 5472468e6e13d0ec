// The rules for few labels are for the teacher: it is measured, kept and loaded. And only
// the middle of pictures is looked at while a run goes on, if it says so.
import assert from "node:assert/strict";
import { join } from "node:path";
import { openDataSet } from "../../src/data/open_data_set.ts";
import type { Sample } from "../../src/data/data_set.ts";
import { openBackend } from "../../src/core/backend.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { evaluationSpec } from "../../src/prepare/data_specs.ts";
import { evaluate, type EvaluationResult } from "../../src/evaluate/evaluate.ts";
import { evaluationOptionsOf } from "../../src/evaluate/predict_image.ts";
import { loadNetwork } from "../../src/evaluate/load_network.ts";
import { train } from "../../src/train/train.ts";
import { loadCheckpoint } from "../../src/weights/checkpoint_file.ts";
import { main as evaluateCommand } from "../../tasks/eval.ts";
import { call, tinyConfig } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";

Deno.test("a mean teacher's run is measured, kept and loaded by its teacher [wasm]", () =>
  inFolder(async (folder) => {
    const seen: [number, number][] = [];
    const config = tinyConfig(
      "method={name: mean-teacher, supervisedOnlyIterations: 1}",
      "iterations=3",
      "optimizer.learningRate=0.01",
      "evaluation={interval: 1, centerCrop: {height: 20, width: 24}}",
      "data.batchSize=2",
    );
    const { summary } = await train(config, {
      out: folder,
      backend: "wasm",
      observer: {
        evaluation: (iteration, results) =>
          void seen.push([iteration, results.get("worn")?.pixelAccuracy ?? NaN]),
      },
    });
    assert.ok(summary);
    assert.equal(summary.primaryNetwork, "teacher");
    assert.deepEqual(summary.evaluation, summary.teacher[0]);
    assert.notDeepEqual(summary.student, summary.teacher);
    assert.deepEqual(seen.map(([iteration]) => iteration), [1, 2, 3, 3]);
    assert.equal(seen[3]?.[1], summary.evaluation.pixelAccuracy, "the last one is whole");
    assert.notEqual(seen[2]?.[1], seen[3]?.[1], "the others are of the middle");

    const last = join(folder, "last.safetensors");
    const { metadata: { metrics } } = await loadCheckpoint(last);
    assert.ok("best.worn" in metrics);
    const expected = {
      teacher: summary.teacher[0]?.mIoU,
      student: summary.student[0]?.mIoU,
    };
    for (
      const [options, role] of [[{}, "teacher"], [{ teacher: false }, "student"]] as const
    ) {
      using network = await loadNetwork(last, { ...options, backend: "wasm" });
      assert.equal(network.role, role);
      const { mIoU } = await network.evaluate({ split: "worn" });
      assert.equal(mIoU, expected[role]);
    }
    for (const [flags, role] of [[[], "teacher"], [["--student"], "student"]] as const) {
      const command = [last, "--split", "worn", "--json", "--backend", "wasm", ...flags];
      const { status, out, error } = await call(evaluateCommand, ...command);
      assert.equal(status, 0, error);
      assert.equal(JSON.parse(out).mIoU, expected[role]);
    }
  }));

Deno.test("evaluate() looks at the middle of pictures and nowhere else [wasm]", async () => {
  await openBackend("wasm");
  const config = tinyConfig();
  const data = await openDataSet(evaluationSpec(config.data, "worn", null));
  const network = buildNetwork(config.model, data.classes.length);
  const weights = initializeWeights(network.parameters, 1);
  const options = evaluationOptionsOf(config);
  const cut = ({ name, width, image, label }: Sample): Sample => {
    const pixels = Array.from(
      { length: 16 * 20 },
      (_, i) => (8 + Math.floor(i / 20)) * width + 14 + i % 20,
    );
    return {
      ...{ name, height: 16, width: 20, channels: 3 },
      image: Uint8Array.from(
        pixels.flatMap((i) => [...image.subarray(3 * i, 3 * i + 3)]),
      ),
      label: label && Uint8Array.from(pixels, (i) => label[i] ?? 255),
    };
  };
  const own: EvaluationResult = await evaluate(network, weights, data, {
    ...options,
    centerCrop: { height: 16, width: 20 },
  });
  const expected = await evaluate(
    network,
    weights,
    { ...data, read: async (index) => cut(await data.read(index)) },
    options,
  );
  assert.deepEqual(own, expected);
  const larger = { ...options, centerCrop: { height: 99, width: 99 } };
  assert.deepEqual(
    await evaluate(network, weights, data, larger),
    await evaluate(network, weights, data, options),
  );
  releaseWeights(weights);
});
