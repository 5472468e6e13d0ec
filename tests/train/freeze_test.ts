// Training of a part of a network: what is frozen stays, bit for bit, and the rest learns.
import assert from "node:assert/strict";
import { join } from "node:path";
import type { RunConfig } from "../../src/config/schema.ts";
import { initializeWeights, weightsToHost } from "../../src/core/weights.ts";
import { openBackend } from "../../src/core/backend.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import {
  describeSelection,
  lrMultipliersOf,
  withFrozenParts,
} from "../../src/train/parameter_selection.ts";
import { train } from "../../src/train/train.ts";
import { CHECKPOINT_PREFIXES } from "../../src/weights/checkpoint.ts";
import { loadCheckpoint } from "../../src/weights/checkpoint_file.ts";
import { tinyConfig } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";
import { onWebGpu } from "../support/mod.ts";
import { assertResumes, configOf } from "./resuming.ts";

const RESNET =
  "model={encoder: {name: resnet, depths: [1, 1, 1, 1], stemChannels: 4, baseChannels: 4}, " +
  "decoder: {name: deeplabv2, dilations: [1, 2]}}";
const UNCERTAIN = "pseudoLabel: {threshold: 0.2}";
const OPTIMIZER = "learningRate: 0.01, warmupIterations: 0, clipGradientNorm: 0.5, " +
  'lrMultipliers: {"decode_head.*": 0.5}';

const METHODS: Readonly<Record<string, string>> = {
  supervised: "{name: supervised}",
  "source-only": "{name: source-only}",
  "future self-training, width 2":
    `{name: self-training, ${UNCERTAIN}, lookAhead: {depth: 1, width: 2}}`,
  "mean teacher":
    "{name: mean-teacher, supervisedOnlyIterations: 1, lookAhead: {depth: 1}}",
  "weak to strong": "{name: weak-to-strong, confidenceThreshold: 0.2}",
};

/** The bytes at the start, by the names of a checkpoint's student. */
async function startOf(config: RunConfig) {
  const network = buildNetwork(config.model, 8);
  const weights = initializeWeights(network.parameters, config.seed);
  return await weightsToHost(network.parameters, weights);
}

async function assertFrozen(config: RunConfig, out: string, isFrozen: RegExp) {
  const { tensors } = await loadCheckpoint(join(out, "last.safetensors"));
  const names = [...tensors.keys()].filter((name) => name.startsWith("backbone."));
  const start = await startOf(config);
  let [stayed, moved] = [0, 0];
  for (const name of names) {
    const { bytes = assert.fail(name) } = start.get(name) ?? {};
    const sets = [name, `${CHECKPOINT_PREFIXES.teacher}${name}`]
      .flatMap((one) => tensors.get(one) ?? []);
    for (const [i, set] of sets.entries()) {
      const isSame = set.bytes.every((byte, at) => byte === bytes[at]);
      if (isFrozen.test(name)) assert.ok(isSame, `${i === 0 ? "θ" : "φ"} ${name} moved`);
      else if (!isSame) moved++;
    }
    const { firstMoment, secondMoment } = CHECKPOINT_PREFIXES;
    for (const prefix of [firstMoment, secondMoment]) {
      if (!isFrozen.test(name)) continue;
      assert.ok(!tensors.has(`${prefix}${name}`), `${name} has moments`);
      stayed++;
    }
  }
  assert.ok(stayed > 0);
  return moved;
}

for (const [name, method] of Object.entries(METHODS)) {
  Deno.test(`${name} learns with frozen parts [wasm]`, () =>
    inFolder(async (folder) => {
      await openBackend("wasm");
      for (
        const [freeze, pattern, more] of [
          ["[encoder]", /^backbone\./, []],
          [
            '["backbone.layer1.*", "backbone.*conv1.weight"]',
            /^backbone\.(layer1\.|.*conv1\.weight$)/,
            ["model.activationCheckpointing=true"],
          ],
        ] as const
      ) {
        const out = join(folder, String(more.length));
        const config = tinyConfig(
          ...[`method=${method}`, "iterations=3", "data.batchSize=2", RESNET],
          ...[`optimizer={freeze: ${freeze}, ${OPTIMIZER}}`, ...more],
        );
        const norms: number[] = [];
        await train(config, {
          ...{ out, backend: "wasm" },
          observer: {
            memory() {},
            iteration: ({ losses }) => void norms.push(losses["gradientNorm"] ?? NaN),
          },
        });
        assert.ok(norms.every((norm) => norm > 0), `${norms}`);
        const moved = await assertFrozen(config, out, pattern);
        assert.equal(moved > 0, freeze !== "[encoder]");
      }
    }));
}

const RESUMED = configOf(
  `{name: self-training, ${UNCERTAIN}, lookAhead: {depth: 1, width: 2}}`,
  RESNET,
  `optimizer={freeze: ["backbone.layer1.*", "backbone.stem.*"], ${OPTIMIZER}, ` +
    "accumulationSteps: 2}",
  "data.batchSize=2",
);

Deno.test("what is frozen, clipped and has its own rates resumes bit for bit [wasm]", () =>
  assertResumes(RESUMED, "wasm"));

onWebGpu(
  "a frozen encoder with a clipped gradient resumes bit for bit",
  () =>
    assertResumes(
      configOf("{name: supervised}", `optimizer={freeze: [encoder], ${OPTIMIZER}}`),
      "webgpu",
    ),
);

Deno.test("optimizer.freeze and lrMultipliers refuse what fits nothing", () => {
  const network = buildNetwork(tinyConfig(RESNET).model, 3);
  const freeze = (...patterns: string[]) => () =>
    withFrozenParts(network, { freeze: patterns, lrMultipliers: {} });
  const refusals: [() => unknown, string][] = [
    [
      freeze("encoder", "backbone.layr1.*"),
      'Cannot use "optimizer.freeze": "backbone.layr1.*" fits no parameter of this network; ' +
      'did you mean "backbone.layer1.*"?',
    ],
    [
      freeze("encodr"),
      'Cannot use "optimizer.freeze": "encodr" fits no parameter of this network; did you ' +
      'mean "encoder"?',
    ],
    [
      freeze("xyz"),
      'Cannot use "optimizer.freeze": "xyz" fits no parameter of this network: there are ' +
      '"encoder", "decoder", "backbone.*", "decode_head.*"',
    ],
    [
      freeze("auxiliaryHead"),
      'Cannot use "optimizer.freeze": "auxiliaryHead" fits no parameter of this network, ' +
      "which has no such part",
    ],
    [
      freeze("encoder", "decoder"),
      'Cannot train: "optimizer.freeze", ["encoder","decoder"], leaves no parameter that ' +
      "could learn; take something off it",
    ],
    [
      () =>
        lrMultipliersOf(network, {
          freeze: [],
          lrMultipliers: { "backbone.lyer1.*": 2 },
        }),
      'Cannot use "optimizer.lrMultipliers": "backbone.lyer1.*" fits no parameter of this ' +
      'network; did you mean "backbone.layer1.*"?',
    ],
  ];
  for (const [run, message] of refusals) {
    assert.throws(run, { name: "RangeError", message });
  }
});

Deno.test("lrMultipliersOf() lets the longest pattern count, and a part last", () => {
  const network = buildNetwork(tinyConfig(RESNET).model, 3);
  const optimizer = {
    freeze: ["backbone.layer4.*"],
    lrMultipliers: {
      "backbone.layer2.0.*": 3,
      encoder: 0.1,
      "backbone.layer2.*": 2,
      "*.layer2.0.bn1*": 4, // as long as "backbone.layer": the first counts
    },
  };
  const factors = lrMultipliersOf(network, optimizer);
  assert.equal(factors.get("backbone.layer1.0.conv1.weight"), 0.1);
  assert.equal(factors.get("backbone.layer2.0.conv1.weight"), 3);
  assert.equal(factors.get("backbone.layer2.0.bn1.weight"), 3);
  assert.ok([...factors.keys()].every((name) => name.startsWith("backbone.")));
  const [frozen, rates, ...others] = describeSelection(network, optimizer);
  assert.deepEqual(others, []);
  assert.match(frozen ?? "", /^frozen {5}\d+ of \d+ parameters, with \d+ of \d+ values$/);
  assert.match(
    rates ?? "",
    /^rates {6}\d+ × 0\.1, \d+ × 3 and \d+ × 1: parameters and their factors$/,
  );
  const idle = { ...optimizer, lrMultipliers: { "backbone.layer4.0.*": 2, decoder: 3 } };
  assert.deepEqual(describeSelection(network, idle).slice(2), [
    '"backbone.layer4.0.*" in "optimizer.lrMultipliers" changes nothing: all that it fits ' +
    'is frozen; take it out, or off "optimizer.freeze"',
  ]);
});

Deno.test("a run does not go on with other parts frozen [wasm]", () =>
  inFolder(async (out) => {
    const run = (freeze: string) =>
      train(tinyConfig(RESNET, `optimizer.freeze=${freeze}`, "iterations=1"), {
        ...{ out, backend: "wasm" },
      });
    await run("[encoder]");
    await assert.rejects(() => run("[]"), {
      message: `Cannot go on with the run in "${out}": it has other values of ` +
        "optimizer.freeze; choose another folder with --out, or start over with --fresh",
    });
  }));
