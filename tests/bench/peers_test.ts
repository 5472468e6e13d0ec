import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

import { type PeerCase, selectPeerCases } from "../../bench/peers/cases.ts";
import {
  comparePeers,
  medianRatio,
  parseLibraries,
  type PeerTime,
  threadCounts,
} from "../../bench/peers/compare.ts";
import {
  assertPyTorch,
  checkoutImportMap,
  environmentOf,
  PYTHON,
} from "../../bench/peers/peer_process.ts";
import { formatComparison } from "../../bench/peers/report.ts";
import { flopsOf, type Operation, relativeDifference } from "../../bench/peers/work.ts";
import { succeeds } from "../support/files.ts";
import { tinyConfig } from "../support/commands.ts";

const PLAIN = { isOutTty: false, color: false };

const cost = (seconds: number, cpuSeconds: number) => ({ seconds, cpuSeconds });

const hasPyTorch = await succeeds(PYTHON, "-B", "-c", "import torch").catch(() => false);

Deno.test("ratios are medians over rounds, not ratios of medians", () => {
  const ours = [cost(1, 1), cost(2, 2), cost(9, 9)];
  const theirs = [cost(1, 2), cost(4, 4), cost(3, 1)];
  assert.deepEqual(medianRatio(ours, theirs), cost(1, 0.5));
});

Deno.test("networks are shown in seconds, operations in operations per second", () => {
  const time: PeerTime = {
    case: "MiT, supervised",
    threads: 1,
    peer: "PyTorch",
    parameters: 5,
    difference: 1e-6,
    flops: null,
    ours: cost(0.5, 0.75),
    theirs: cost(1, 0.25),
    ratios: cost(0.5, 3),
  };
  const product = {
    ...time,
    case: "product",
    threads: null,
    peer: "jax-js",
    flops: 1e9,
    parameters: null,
  };
  const comparison = {
    backend: "wasm",
    descriptions: ["fst on wasm", "PyTorch 2"],
    times: [time, product],
  } as const;
  const text = formatComparison(comparison, 3, PLAIN);
  assert.match(
    text,
    /^MiT, supervised +1 +PyTorch +0\.750 +0\.250 +3\.00× +0\.500 +1\.000 +0\.50×$/m,
  );
  assert.match(
    text,
    /^product +- +jax-js +1\.3 +4\.0 +3\.00× +2\.0 +1\.0 +0\.50×$/m,
  );
  assert.match(text, /fst on wasm; PyTorch 2; medians of 3 rounds in turns/);
});

Deno.test("one thread and one per core are measured unless a number is given", () => {
  assert.deepEqual(threadCounts(undefined, 4), [1, 4]);
  assert.deepEqual(threadCounts("auto", 1), [1]);
  assert.deepEqual(threadCounts(2, 8), [2]);
});

Deno.test("unknown libraries and cases are answered with the known ones", async () => {
  assert.throws(() => parseLibraries(["jax"]), /"jax": known are pytorch, jax-js and/);
  assert.deepEqual(parseLibraries(["none"]), []);
  await assert.rejects(selectPeerCases(["ResNet-7"]), /"ResNet-7": known are MiT-B0/);
  const chosen = await selectPeerCases(["FST-D"]);
  assert(chosen.length > 0 && chosen.every(({ name }) => name.includes("FST-D")));
});

Deno.test("without Python or PyTorch, the error says how to get it", async () => {
  await assert.rejects(
    assertPyTorch("no-such-python"),
    /there is no "no-such-python"; install Python .*pip install torch/,
  );
  // A program that is there and imports no torch.
  await assert.rejects(assertPyTorch(Deno.execPath()), /has no torch; get it with/);
});

Deno.test("threads and native code are settings of the environment", () => {
  assert.deepEqual(environmentOf({ threads: 2, native: "off" }), {
    OMP_WAIT_POLICY: "passive",
    FST_THREADS: "2",
    OMP_NUM_THREADS: "2",
    FST_NATIVE: "off",
  });
  assert.deepEqual(environmentOf({ threads: null, native: null }), {
    OMP_WAIT_POLICY: "passive",
  });
});

Deno.test("another checkout takes the place of ours, but for the benchmark", () => {
  const map = checkoutImportMap(new URL("file:///before/"));
  const { imports } = JSON.parse(map) as { imports: Record<string, string> };
  const root = new URL("../../", import.meta.url).href;
  assert.equal(imports[root], "file:///before/");
  const peers = `${root}bench/peers/`;
  assert.equal(imports[peers], peers);
});

const product: Operation = { kind: "product", left: [3, 4], right: [4, 5] };
const dilated: Operation = {
  kind: "convolution",
  left: [1, 2, 8, 6],
  right: [3, 2, 3, 3],
  ...{ stride: 1, padding: 2, dilation: 2 },
};

Deno.test("operations count multiplications and additions", () => {
  assert.equal(flopsOf(product), 2 * 3 * 4 * 5);
  assert.equal(flopsOf(dilated), 2 * 8 * 6 * 3 * 2 * 9);
});

Deno.test("results differ relative to the largest value", () => {
  const expected = Float32Array.of(4, -8);
  assert.equal(relativeDifference(Float32Array.of(4, -6), expected), 0.25);
  assert(Number.isNaN(relativeDifference(Float32Array.of(NaN, 0), expected)));
  assert.throws(() => relativeDifference(expected, Float32Array.of(1)), /2 and 1 values/);
});

const MIT = '{encoder: {name: "mit", embedDims: [4, 8, 10, 8], depths: [1, 2, 1, 1], ' +
  "numHeads: [1, 2, 5, 2], srRatios: [8, 4, 2, 1], dropPathRate: 0.1}, decoder: {name: " +
  '"daformer", channels: 6, fusion: "separable-aspp", dilations: [1, 2], dropout: 0.1}}';
const RESNET = '{encoder: {name: "resnet", depths: [1, 2, 2, 2], stemChannels: 4, ' +
  'baseChannels: 2}, decoder: {name: "deeplabv2", dilations: [2, 3]}}';

const compareTiny = (cases: readonly PeerCase[], library: "pytorch" | "jax-js") =>
  comparePeers({
    cases,
    libraries: [library],
    checkout: null,
    backend: "wasm",
    rounds: 1,
    threads: [1],
    native: null,
    log: () => {},
  });

Deno.test({
  name: "networks in PyTorch have our parameters and give our logits",
  ignore: !hasPyTorch,
  async fn() {
    const cases = [
      [MIT, '{name: "self-training", lookAhead: {depth: 1, reuse: false}}'],
      [RESNET, '{name: "supervised"}'],
    ].map(([model, method]): PeerCase => ({
      name: `${method}`,
      work: {
        kind: "iteration",
        config: tinyConfig(`model=${model}`, `method=${method}`),
        classes: 7,
      },
    }));
    const { times, descriptions } = await compareTiny(cases, "pytorch");
    assert.equal(times.length, 2);
    for (const { parameters, difference, ours, theirs } of times) {
      assert((parameters ?? 0) > 1000);
      assert(difference < 1e-5, String(difference));
      assert(ours.cpuSeconds > 0 && theirs.cpuSeconds > 0);
    }
    assert.match(descriptions[1] ?? "", /^PyTorch \d/);
  },
});

Deno.test({
  name: "FST-D in PyTorch trains as the golden trace did",
  ignore: !hasPyTorch,
  async fn() {
    const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));
    const golden = pathOf("../golden/trace_fstd_k3_faithful");
    const args = ["-B", pathOf("./pytorch_trace.py"), golden];
    const env = environmentOf({ threads: 1, native: null });
    const { code, stdout, stderr } = await new Deno.Command(PYTHON, { args, env })
      .output();
    const text = new TextDecoder();
    assert.equal(code, 0, text.decode(stderr));
    const found = JSON.parse(text.decode(stdout)) as Record<string, number>;
    for (const role of ["student", "teacher"]) {
      assert(Number(found[`${role}Median`]) < 1e-3, JSON.stringify(found));
      assert(Number(found[`${role}Percentile80`]) < 5e-3, JSON.stringify(found));
    }
  },
});

Deno.test("jax-js multiplies and convolves to our results", async () => {
  const cases = [product, dilated].map((operation): PeerCase => ({
    name: operation.kind,
    work: { kind: "operation", operation },
  }));
  const { times } = await compareTiny(cases, "jax-js");
  assert.deepEqual(times.map(({ peer }) => peer), ["jax-js", "jax-js"]);
  assert(times.every(({ difference }) => difference < 1e-5));
});

Deno.test("a folder without fst is no checkout", async () => {
  const options = {
    cases: [],
    libraries: [],
    checkout: "/no/such/folder",
    backend: "wasm",
    rounds: 1,
    threads: [1],
    native: null,
    log: () => {},
  } as const;
  await assert.rejects(comparePeers(options), /"\/no\/such\/folder": it is no checkout/);
});
