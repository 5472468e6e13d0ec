// Parameter counts of the published networks, and what Lite0 computes of a picture with its
// weights of ImageNet, which are not kept in this repository: without them the test is
// reported as ignored.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readBack } from "../../src/core/backend.ts";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { pytorchShape, releaseWeights, weightsFromHost } from "../../src/core/weights.ts";
import {
  EFFICIENTNET_LITE_PRESETS,
  efficientnetLite,
} from "../../src/models/efficientnet_lite.ts";
import { parameterGroupOf } from "../../src/optim/optimizer.ts";
import { matchWeights } from "../../src/weights/match_weights.ts";
import { readWeights } from "../../src/weights/read_weights.ts";
import { readSafetensors } from "../../src/weights/safetensors_file.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";
import { trainableCount } from "../support/network_checks.ts";

/** The files of EfficientNet-Lite-PyTorch: all that is trained, and channels of the maps. */
const PUBLISHED = {
  "efficientnet-lite0": [4_652_008, [24, 40, 112, 320]],
  "efficientnet-lite1": [5_416_680, [24, 40, 112, 320]],
  "efficientnet-lite2": [6_092_072, [24, 48, 120, 352]],
} as const;
const FEATURES = 1280;
const CLASSES = 1000;

const build = (name: keyof typeof PUBLISHED) =>
  efficientnetLite("backbone", { ...EFFICIENTNET_LITE_PRESETS[name], dropPathRate: 0 });

for (const [name, [count, widths]] of Object.entries(PUBLISHED)) {
  Deno.test(`efficientnetLite() has the parameter count of the published ${name}`, () => {
    const { parameters, channels } = build(name as keyof typeof PUBLISHED);
    assert.deepEqual(channels, widths);
    const classifier = FEATURES * (widths[3] + 2) + CLASSES * (FEATURES + 1);
    assert.equal(trainableCount(parameters) + classifier, count);
  });
}

Deno.test("parameterGroupOf() spares the batch norms of EfficientNet weight decay", () => {
  const decayed = build("efficientnet-lite0").parameters
    .filter(({ trainable, name }) =>
      trainable && parameterGroupOf(name, { headLrMultiplier: 1 }).hasWeightDecay
    );
  assert.equal(decayed.length, 1 + 15 * 3 + 2);
  assert.ok(decayed.every(({ shape }) => shape.length === 4), "filters alone");
});

const SHARED = fileURLToPath(
  new URL("../../../shared/data/weights/efficientnet_lite0/", import.meta.url),
);
const STAGES = ["stage_2", "stage_4", "stage_10", "stage_15"];

async function assertComputesExpected(): Promise<void> {
  const { parameters, apply } = build("efficientnet-lite0");
  const file = `${SHARED}efficientnet-lite0-57934424.pth`;
  const shapes = new Map(parameters.map((one) => [one.name, pytorchShape(one)]));
  const { tensors } = matchWeights(shapes, (await readWeights(file)).tensors, file, {});
  const weights = weightsFromHost(parameters, tensors);
  const { tensors: expected } = await readSafetensors(`${SHARED}expected.safetensors`);
  const stored = (name: string) => {
    const { bytes, shape } = expected.get(name) ?? assert.fail(name);
    const values = new Float32Array(bytes.slice().buffer);
    return tf.tensor4d(values, shape as [number, number, number, number]);
  };
  const images = tf.transpose<tf.Tensor4D>(stored("input"), [0, 2, 3, 1]);
  const maps = apply(weights, images, EVAL_CONTEXT);
  for (const [i, name] of STAGES.entries()) {
    const found = tf.transpose(maps[i] ?? assert.fail(name), [0, 3, 1, 2]);
    const values = Array.from(await readBack(stored(name)));
    const largest = values.reduce((a, b) => Math.max(a, b), 0);
    await assertClose(found, values, 1e-5 * largest);
  }
  releaseWeights(weights);
}

if (existsSync(SHARED)) {
  onEachBackend(
    "efficientnetLite() computes the published Lite0",
    assertComputesExpected,
  );
} else {
  Deno.test.ignore("efficientnetLite() computes the published Lite0", () => {});
}
