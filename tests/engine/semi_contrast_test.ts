// A contrast needs a network with a representation, and its schedule follows the run.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { uploadBatch } from "../../src/core/batch.ts";
import type { Network } from "../../src/core/network.ts";
import { initialWeights } from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/engine/build.ts";
import { memoryParameters, startContrast } from "../../src/engine/semi_contrast.ts";
import { meanTeacher } from "../../src/methods/mean_teacher.ts";
import { validCrossEntropy } from "../../src/objectives/valid_cross_entropy.ts";
import { tinyConfig } from "../support/commands.ts";
import { onEachBackend } from "../support/mod.ts";

const CLASSES = 4;
const configOf = (contrast: string) =>
  tinyConfig(
    `method={name: mean-teacher, supervisedIterations: 20, contrast: ${contrast}}`,
    "iterations=100",
    "model.decoder={name: semi-deeplabv3+, channels: 8, inner: 4, dilations: [1]}",
  );
const networkOf = (contrast = "{}") => buildNetwork(configOf(contrast).model, CLASSES);

Deno.test("a bank takes 4 bytes × classes × entries × channels", () => {
  const parameters = memoryParameters(
    configOf("{bank: {entriesPerClass: 300}}"),
    networkOf(),
  );
  const shapes = parameters.map(({ name, shape }) => [name, shape]);
  assert.deepEqual(shapes, [
    ["bank", [CLASSES, 300, 8]],
    ["prototype", [CLASSES, 8]],
    ["cursor", [CLASSES, 3]],
  ]);
  assert.deepEqual(memoryParameters(configOf("null"), networkOf()), []);
});

onEachBackend("the share of sure pixels falls to 0, and prototypes settle", async () => {
  const config = configOf("{percent: 20, prototypeMomentum: 0.97}");
  const network = networkOf();
  const memory = initialWeights(memoryParameters(config, network), 0);
  const learner = {
    ...{ student: new Map(), teacher: null, evaluations: 0, memory },
    moments: { steps: 0, first: new Map(), second: new Map() },
  };
  const contrast = startContrast(config, network, learner, (n) => n);
  const host = { names: ["a"], images: new Float32Array(3), labels: new Uint8Array(1) };
  const batch = uploadBatch({
    ...{ batch: 1, height: 1, width: 1 },
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
  assert.throws(() => memoryParameters(config, without), {
    name: "TypeError",
    message:
      /^Cannot use "method.contrast": the network gives no representation of pixels/,
  });
  const parts = {
    ...{ network: without, seed: 1, criterion: validCrossEntropy, weight: 1 },
    perturb: () => assert.fail(),
    percent: () => 100,
    ...{ filterTeacher: "train", ignorePadding: false, compared: false } as const,
  };
  const contrast = startContrast(
    configOf("{}"),
    networkOf(),
    {
      ...{ student: new Map(), teacher: null, evaluations: 0 },
      moments: { steps: 0, first: new Map(), second: new Map() },
      memory: initialWeights(memoryParameters(config, networkOf()), 0),
    },
    (n) => n,
  );
  assert.throws(() => meanTeacher({ ...parts, contrast }), {
    name: "TypeError",
    message: /^Cannot compare representations of pixels: the network has none/,
  });
});
