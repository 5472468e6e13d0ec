// A contrast needs a network with a representation, and its schedule follows the run.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { uploadBatch } from "../../src/core/batch.ts";
import type { Network } from "../../src/core/network.ts";
import { initializeWeights } from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { buildContrastTerm, lossStateParameters } from "../../src/train/objectives.ts";
import { meanTeacher } from "../../src/methods/mean_teacher.ts";
import { crossEntropyCriterion } from "../../src/objectives/criterion.ts";
import { tinyConfig } from "../support/commands.ts";
import { onEachBackend } from "../support/mod.ts";

const CLASSES = 4;
const configOf = (contrast: string) =>
  tinyConfig(
    `method={name: mean-teacher, supervisedOnlyIterations: 20, contrastive: ${contrast}}`,
    "iterations=100",
    "model.decoder={name: semi-deeplabv3+, channels: 8, innerPlanes: 4, dilations: [1]}",
  );
const networkOf = (contrast = "{}") => buildNetwork(configOf(contrast).model, CLASSES);

Deno.test("a bank takes 4 bytes × classes × entries × channels", () => {
  const parameters = lossStateParameters(
    configOf("{memoryBank: {queueSize: 300}}"),
    networkOf(),
  );
  const shapes = parameters.map(({ name, shape }) => [name, shape]);
  assert.deepEqual(shapes, [
    ["bank", [CLASSES, 300, 8]],
    ["prototype", [CLASSES, 8]],
    ["cursor", [CLASSES, 3]],
  ]);
  assert.deepEqual(lossStateParameters(configOf("null"), networkOf()), []);
});

onEachBackend("the share of sure pixels falls to 0, and prototypes settle", async () => {
  const config = configOf("{lowEntropyThreshold: 20, prototypeDecay: 0.97}");
  const network = networkOf();
  const lossState = initializeWeights(lossStateParameters(config, network), 0);
  const learner = {
    ...{ student: new Map(), teacher: null, forwardCount: 0, lossState },
    moments: { steps: 0, first: new Map(), second: new Map() },
  };
  const contrast = buildContrastTerm({
    ...{ config, network, learner },
    iterationAt: (forwardIndex) => forwardIndex,
  });
  const host = {
    fileNames: ["a"],
    images: new Float32Array(3),
    labels: new Uint8Array(1),
  };
  const batch = uploadBatch({
    ...{ batchSize: 1, height: 1, width: 1 },
    source: host,
    target: null,
  });
  const found: number[][] = [];
  for (const t of [20, 21, 22, 60, 99]) {
    const schedule = contrast?.schedule(batch, t) ?? assert.fail();
    found.push(Array.from(await readBack(schedule), (x) => Number(x.toFixed(4))));
  }
  assert.deepEqual(found, [
    [0.16, 0],
    [0.158, 0],
    [0.156, 0.5],
    [0.08, 0.97],
    [0.002, 0.97],
  ]);
});

Deno.test("a network of one's own without a representation is refused", () => {
  const config = configOf("{}");
  const { forwardWithRepresentation: _, ...whole } = networkOf();
  const { representationChannels: __, ...decoder } = whole.decoder;
  const without: Network = { ...whole, decoder };
  assert.throws(() => lossStateParameters(config, without), {
    name: "TypeError",
    message:
      /^Cannot use "method.contrastive": the network gives no representation of pixels/,
  });
  const parts = {
    ...{ network: without, seed: 1, criterion: crossEntropyCriterion("valid") },
    unsupervisedWeight: 1,
    perturb: () => assert.fail(),
    keptPercent: () => 100,
    ...{ filterMode: "train", ignorePadding: false, measuresAgreement: false } as const,
  };
  const contrast = buildContrastTerm({
    config: configOf("{}"),
    network: networkOf(),
    learner: {
      ...{ student: new Map(), teacher: null, forwardCount: 0 },
      moments: { steps: 0, first: new Map(), second: new Map() },
      lossState: initializeWeights(lossStateParameters(config, networkOf()), 0),
    },
    iterationAt: (forwardIndex) => forwardIndex,
  });
  assert.throws(() => meanTeacher({ ...parts, contrast }), {
    name: "TypeError",
    message:
      /^Cannot compute the pixel contrast: the network has no pixel representation/,
  });
});
