// Every method with labels learns from sums of losses, goes on bit for bit without the cache
// of counts, on WebGPU from recorded and replayed iterations, and logs its terms by name.
import assert from "node:assert/strict";
import { join as joinPath } from "node:path";
import { train } from "../../src/train/train.ts";
import { inFolder } from "../support/files.ts";
import { onEachBackend } from "../support/mod.ts";
import { tinyNetwork } from "./tiny_network.ts";
import { assertResumes, configOf } from "./resuming.ts";

const WEIGHTED = "{name: cross-entropy, classWeights: inverse-frequency, weight: 0.5}";
const SMOOTHED = "{name: cross-entropy, labelSmoothing: 0.1, classWeights: " +
  "effective-number, beta: 0.999999}";
const FOCAL = "{name: focal, classWeights: median-frequency}";

/** Methods, the losses that are summed up, and the name of their sum. */
const METHODS: readonly [string, string, string][] = [
  ["name: supervised", `[${WEIGHTED}, {name: dice}]`, "source"],
  ["name: source-only", `[${FOCAL}, {name: lovasz-softmax, weight: 2}]`, "source"],
  [
    "name: self-training, lookAhead: {depth: 1}, pseudoLabel: {threshold: 0.2}",
    `[${SMOOTHED}, {name: ohem, minKept: 99}, {name: lovasz-softmax, per: image}]`,
    "source",
  ],
  ["name: mean-teacher", `[${WEIGHTED}, {name: dice, per: image}]`, "supervised"],
  [
    "name: weak-to-strong, confidenceThreshold: 0.12, supervisedOnlyIterations: 1",
    `[${FOCAL}, {name: lovasz-softmax, classes: all}]`,
    "supervised",
  ],
];

for (const [method, criterion, total] of METHODS) {
  const [, name] = /name: ([\w-]+)/.exec(method) ?? [];
  onEachBackend(`${name} with a sum of losses resumes bit for bit`, async (backend) => {
    const config = configOf(
      `{${method}, criterion: ${criterion}}`,
      "data.batchSize=2",
      "data.source={domain: clean, images: 3}",
      "optimizer.learningRate=0.01",
    );
    await assertResumes(config, backend, {
      constant: !method.includes("supervisedOnly"),
      makeNetwork: tinyNetwork,
      seen(log, said) {
        const names = [...criterion.matchAll(/name: ([\w-]+)/g)].map(([, one]) => one);
        for (const { losses } of log) {
          const terms = names.map((one = "") => losses[one] ?? assert.fail(one));
          const sum = terms.reduce((all, one) => all + one, 0);
          assert.ok(Math.abs(sum - (losses[total] ?? NaN)) < 1e-5 * sum, `${terms}`);
        }
        assert.match(said.join("\n"), /^class weights of [\w-]+ \([\w-]+\): road /m);
        if (backend === "wasm") return;
        assert.match(said.join("\n"), /^iterations are replayed/m);
      },
    });
  });
}

Deno.test("train() goes on with the class weights of the run's beginning", () =>
  inFolder(async (folder) => {
    const out = joinPath(folder, "run");
    const start = async (method: string, iterations: number) => {
      const said: string[] = [];
      const controller = new AbortController();
      await train(configOf(method, "data.source={domain: clean, images: 3}"), {
        out,
        backend: "wasm",
        makeNetwork: tinyNetwork,
        signal: controller.signal,
        observer: {
          log: (line) => said.push(line),
          iteration: ({ iteration }) => iteration === iterations && controller.abort(),
        },
      });
      return said.filter((line) => /^counted|^class weights/.test(line));
    };
    const method = `{name: supervised, criterion: ${WEIGHTED}}`;
    const [counted, weights, ...rest] = await start(method, 2);
    assert.match(counted ?? "", /^counted the classes of 3 labels$/);
    assert.deepEqual(rest, []);
    await Deno.remove(joinPath(out, "cache"), { recursive: true });
    assert.deepEqual(await start(method, 6), [weights]);
  }));

Deno.test("train() says which class weights do not fit", () =>
  inFolder(async (folder) => {
    const start = (weights: string) =>
      train(configOf(`{name: supervised, criterion: ${weights}}`), {
        out: joinPath(folder, "run"),
        backend: "wasm",
        makeNetwork: tinyNetwork,
      });
    await assert.rejects(start("{name: focal, classWeights: [1, 2]}"), {
      name: "RangeError",
      message: 'Cannot use "method.criterion.classWeights" of "focal": must have one ' +
        "weight per class, 10: received 2",
    });
    await assert.rejects(start("{name: cross-entropy, classWeights: {raod: 2}}"), {
      message: 'Cannot use "method.criterion.classWeights" of "cross-entropy": Unknown ' +
        'class "raod"; did you mean "road"?',
    });
  }));
