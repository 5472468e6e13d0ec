// A run that goes on computes what it would have computed uninterrupted, bit for bit, and
// a run in progress holds a constant number of tensors.
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  type CpuOptions,
  type EngineInfo,
  probeAdapter,
} from "../../src/core/backend.ts";
import { train } from "../../src/train/train.ts";
import { inFolder } from "../support/files.ts";
import { NATIVE_LIBRARY } from "../support/mod.ts";
import {
  TWO_RESOLUTIONS,
  UNIMATCH_V2,
  VFM_UDA,
  VFM_UDA_MODEL,
} from "../support/commands.ts";
import { assertResumes, configOf, logOf } from "./resuming.ts";

const FUTURE = "name: self-training, teacher: {emaDecay: 0.9}";
const UNCERTAIN = "pseudoLabel: {threshold: 0.2}"; // so that it counts from the start

const METHODS: Readonly<Record<string, string>> = {
  supervised: "{name: supervised}",
  "source-only": "{name: source-only}",
  "self-training": `{name: self-training, ${UNCERTAIN}}`,
  "future self-training, depth 1": `{${FUTURE}, lookAhead: {depth: 1}, ${UNCERTAIN}}`,
  "future self-training, width 2":
    `{${FUTURE}, lookAhead: {depth: 1, width: 2}, ${UNCERTAIN}}`,
  "future self-training, depth 2, width 2":
    `{${FUTURE}, lookAhead: {depth: 2, width: 2}, ${UNCERTAIN}}`,
  "future self-training as published":
    `{${FUTURE}, ${UNCERTAIN}, lookAhead: {depth: 2, optimizerState: carry, ` +
    "buffers: carry, emaStep: forward, firstIteration: plain}, " +
    "mixing: {classesFrom: batch}}",
  "future self-training by momentum":
    `{${FUTURE}, lookAhead: {by: momentum}, ${UNCERTAIN}}`,
  "mean teacher by reuse after iterations with labels alone":
    "{name: mean-teacher, supervisedOnlyIterations: 1, lookAhead: {by: reuse, depth: 1, " +
    "optimizerState: carry}, entropyFilter: {keepPercent: 80, anneal: true}}",
  "future self-training by head, width 2":
    `{${FUTURE}, lookAhead: {by: head, depth: 2, width: 2}, ${UNCERTAIN}}`,
  "mean teacher": "{name: mean-teacher, perturbation: {name: classmix}}",
  "mean teacher, depth 1, width 2 as published":
    "{name: mean-teacher, lookAhead: {depth: 1, width: 2, optimizerState: carry, " +
    "buffers: carry, emaTiming: both}, teacher: {copyIterations: 1}}",
  "mean teacher after iterations with labels alone":
    "{name: mean-teacher, supervisedOnlyIterations: 4, lookAhead: {depth: 1}}",
  "masked images, depth 2":
    `{${FUTURE}, ${UNCERTAIN}, lookAhead: {depth: 2}, maskedConsistency: {blockSize: 8}}`,
  "masked images, weak to strong, adaptive depth":
    "{name: weak-to-strong, confidenceThreshold: 0.2, maskedConsistency: {}, " +
    "lookAhead: {depth: 2, agreement: 0.9}}",
  "weak to strong, adaptive depth":
    "{name: weak-to-strong, confidenceThreshold: 0.2, lookAhead: {depth: 3, agreement: 0.9}}",
  "weak to strong as UniMatch V2, depth 2":
    `{${UNIMATCH_V2}, confidenceThreshold: 0.2, lookAhead: {depth: 2}}`,
};

const AUGMENTED =
  "data.augmentation={rotation: {maxDegrees: 20}, colorJitter: {brightness: 0.4, hue: 0.1}, " +
  "blur: {probability: 0.5}, randomErasing: {}}";

for (const [name, method] of Object.entries(METHODS)) {
  Deno.test(`${name} resumes bit for bit and holds its tensors constant [wasm]`, () =>
    assertResumes(configOf(method, AUGMENTED), "wasm"));
}

Deno.test("masked tokens, depth 2, resume bit for bit [wasm]", () =>
  assertResumes(
    configOf(
      `{${VFM_UDA}, lookAhead: {depth: 2}, pseudoLabel: {threshold: 0.2, flip: true, ` +
        "ignoreMargins: {bottom: 0.25, left: 0.2}}}",
      VFM_UDA_MODEL,
      "data.batchSize=2",
      "optimizer.accumulationSteps=2",
    ),
    "wasm",
  ));

const RESNET =
  "{encoder: {name: resnet, depths: [1, 1, 1, 1], stemChannels: 4, baseChannels: 4}, " +
  "decoder: {name: deeplabv2, dilations: [1, 2]}}";

for (const threads of [1, 2]) {
  for (
    const name of [
      "future self-training, depth 2, width 2",
      "weak to strong, adaptive depth",
    ]
  ) {
    Deno.test({
      name: `${name} resumes bit for bit by oneDNN, ${threads} threads [native]`,
      ignore: NATIVE_LIBRARY === null,
      sanitizeResources: false, // the library stays open
      fn: () =>
        assertResumes(configOf(METHODS[name] ?? ""), "wasm", {
          cpu: { native: NATIVE_LIBRARY ?? "off", threads },
        }),
    });
  }
}

Deno.test({
  name: "a ResNet resumes bit for bit by oneDNN [native]",
  ignore: NATIVE_LIBRARY === null,
  sanitizeResources: false, // the library stays open
  fn: () =>
    assertResumes(
      configOf(`{${FUTURE}, lookAhead: {}, ${UNCERTAIN}}`, `model=${RESNET}`),
      "wasm",
      { cpu: { native: NATIVE_LIBRARY ?? "off", threads: 2 } },
    ),
});

Deno.test({
  name: "a run keeps its number of threads, and says what computes otherwise [native]",
  ignore: NATIVE_LIBRARY === null,
  sanitizeResources: false, // the library stays open
  fn: () =>
    inFolder(async (out) => {
      const config = configOf("{name: source-only}");
      const native = NATIVE_LIBRARY ?? "off";
      const runUntil = async (last: number, cpu: CpuOptions) => {
        const said: string[] = [];
        const controller = new AbortController();
        let engine: EngineInfo | null = null;
        await train(config, {
          ...{ out, backend: "wasm", ...cpu, signal: controller.signal },
          observer: {
            log: (line) => said.push(line),
            start: (info) => engine = info.engine,
            iteration({ iteration }) {
              if (iteration === last) controller.abort();
            },
          },
        });
        return {
          said: said.filter((line) => line.startsWith("computed so far")),
          engine,
        };
      };
      const first = await runUntil(2, { native, threads: 2 });
      assert.deepEqual(first.said, []);
      const second = await runUntil(4, { native, threads: "auto" });
      assert.deepEqual(second, first);
      const third = await runUntil(6, { native: "off" });
      assert.equal(third.said.length, 1);
      assert.match(
        third.said[0] ?? "",
        /^computed so far by oneDNN 3\..*2 threads\), from here on by WebAssembly \(/,
      );
    }),
});

Deno.test("gradient descent with momentum resumes bit for bit [wasm]", () =>
  assertResumes(
    configOf(
      "{name: mean-teacher, perturbation: {name: cutmix}, lookAhead: {depth: 2}}",
      "optimizer={name: sgd, learningRate: 0.01}",
    ),
    "wasm",
  ));

Deno.test("kept features survive a resume [wasm]", () =>
  inFolder(async (folder) => {
    await train(configOf("{name: supervised}", "iterations=1"), {
      out: folder,
      backend: "wasm",
    });
    const pretrained = join(folder, "last.safetensors");
    const distance = "featureDistance: {lossWeight: 0.01, scaleMinRatio: 0.5}";
    const method = `{${FUTURE}, lookAhead: {depth: 1}, ${UNCERTAIN}, ${distance}}`;
    await assertResumes(configOf(method, `model.pretrained=${pretrained}`), "wasm");
  }));

Deno.test("a run at two resolutions resumes bit for bit [wasm]", () =>
  assertResumes(
    configOf(
      `{${FUTURE}, lookAhead: {depth: 1}, ${UNCERTAIN}}`,
      ...TWO_RESOLUTIONS,
    ),
    "wasm",
  ));

Deno.test("a run that computes its source loss once resumes bit for bit [wasm]", () =>
  assertResumes(
    configOf(`{${FUTURE}, lookAhead: {}, ${UNCERTAIN}}`, `model=${RESNET}`),
    "wasm",
  ));

Deno.test("what a contrast remembers survives a resume [wasm]", () =>
  assertResumes(
    configOf(
      "{name: mean-teacher, supervisedOnlyIterations: 1, lookAhead: {depth: 1}, contrastive: " +
        "{numQueries: 9, numNegatives: 5, ranks: [1, 4], currentClassThreshold: 0.1, memoryBank: " +
        "{queueSize: 50, maxEnqueued: 12}}}",
      "model.decoder={name: semi-deeplabv3+, channels: 8, innerPlanes: 4, dilations: [1]}",
      "optimizer={name: sgd, learningRate: 0.01}",
    ),
    "wasm",
  ));

const adapter = await probeAdapter();

Deno.test({
  name: "source-only resumes bit for bit and holds its tensors constant [webgpu]",
  ignore: adapter === null && Deno.env.get("FST_REQUIRE_WEBGPU") !== "1",
  sanitizeOps: false, // the device outlives the test
  sanitizeResources: false,
  fn: () => assertResumes(configOf("{name: source-only}"), "webgpu"),
});

Deno.test("an abort saves the iteration in hand, and a later call goes on", () =>
  inFolder(async (folder) => {
    const config = configOf("{name: source-only}", "logging.checkpointInterval=0");
    const [straight, stopped] = [join(folder, "straight"), join(folder, "stopped")];
    await train(config, { out: straight, backend: "wasm" });
    const controller = new AbortController();
    const first = await train(config, {
      out: stopped,
      backend: "wasm",
      signal: controller.signal,
      observer: {
        iteration: ({ iteration }) => iteration === 3 && controller.abort(),
      } as { iteration(line: { iteration: number }): void },
    });
    assert.deepEqual(first, { status: "interrupted", summary: null });
    const second = await train(config, { out: stopped, backend: "wasm" });
    assert.equal(second.status, "finished");
    const [a, b] = await Promise.all(
      [straight, stopped].map((out) => Deno.readFile(join(out, "last.safetensors"))),
    );
    assert.deepEqual(b, a);
    assert.deepEqual(await logOf(stopped), await logOf(straight));
  }));
