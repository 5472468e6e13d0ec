import assert from "node:assert/strict";
import {
  checkRanks,
  gatherFacts,
  type RankFacts,
} from "../../src/distributed/check_ranks.ts";

const WASM = {
  name: "wasm",
  adapter: "WebAssembly",
  software: true,
  engine: { name: "WebAssembly", version: null, instructionSet: "SIMD", threads: 1 },
} as const;
const WEBGPU = {
  name: "webgpu",
  adapter: "NVIDIA H100",
  software: false,
  engine: {
    name: "WebGPU on NVIDIA H100",
    version: null,
    instructionSet: null,
    threads: 1,
  },
} as const;

const facts = (changes: Partial<RankFacts> = {}): RankFacts => ({
  host: "a",
  pid: 1,
  backend: WASM,
  device: { address: null, wanted: false },
  versions: { fst: "0.1.0", deno: "2.9.6" },
  config: { seed: 1, optimizer: { learningRate: 0.1, steps: [1, 2] }, classes: [] },
  options: { fresh: false },
  ...changes,
});

const onGpu = (host: string, address: string | null, wanted = false) =>
  facts({ host, backend: WEBGPU, device: { address, wanted } });

const rejects = (ranks: RankFacts[], message: RegExp) =>
  assert.throws(() => checkRanks(ranks), message);

Deno.test("checkRanks() accepts equal ranks, on any host, with any threads", () => {
  checkRanks([facts()]);
  const backend = { ...WASM, engine: { ...WASM.engine, threads: 4 } };
  checkRanks([facts(), facts({ host: "b", pid: 2 }), facts({ backend })]);
});

Deno.test("checkRanks() refuses one GPU for two ranks of a host, unless both want it", () => {
  const [first, second] = ["0000:41:00.0", "0000:c1:00.0"];
  checkRanks([onGpu("a", first), onGpu("a", second), onGpu("b", first)]);
  checkRanks([onGpu("a", null), onGpu("b", null)]);
  checkRanks([onGpu("a", first, true), onGpu("a", first, true)]);
  rejects(
    [onGpu("a", first), onGpu("a", second), onGpu("a", first)],
    /^Error: Cannot train on 3 ranks: ranks 0 and 2 compute on the same GPU of host "a" \(NVIDIA H100 at 0000:41:00\.0\): start one rank per GPU there, or name the GPU of each with FST_DEVICE/,
  );
  rejects([onGpu("a", null), onGpu("a", null)], /ranks 0 and 1 .*\(NVIDIA H100\):/);
  rejects([onGpu("a", first, true), onGpu("a", first)], /ranks 0 and 1/);
  const software = { ...WEBGPU, software: true };
  checkRanks([facts({ backend: software }), facts({ backend: software })]);
});

Deno.test("checkRanks() names what differs, where, and the cure", () => {
  const engine = (changes: Partial<RankFacts["backend"]["engine"]>) =>
    facts({ host: "b", backend: { ...WASM, engine: { ...WASM.engine, ...changes } } });
  rejects(
    [facts(), facts(), engine({ instructionSet: "relaxed SIMD" })],
    /: the instruction set is "SIMD" on rank 0 \(host "a"\) and "relaxed SIMD" on rank 2 \(host "b"\): take machines/,
  );
  rejects([facts(), engine({ name: "oneDNN" })], /: the engine is "WebAssembly" on/);
  rejects([facts(), engine({ version: "3.2" })], /: the engine's version is null on/);
  rejects([facts(), onGpu("b", null)], /: the backend is "wasm" on .*"--backend"$/);
  rejects(
    [facts(), facts({ versions: { fst: "0.1.0", deno: "2.9.5" } })],
    /: the version of deno is "2\.9\.6" on rank 0 .* "2\.9\.5" on rank 1 .*: install the same/,
  );
});

Deno.test("checkRanks() names the first setting that differs", () => {
  const config = (text: string) => facts({ config: JSON.parse(text) });
  const expected =
    '{"seed": 1, "optimizer": {"learningRate": 0.1, "steps": [1, 2]}, "classes": []}';
  checkRanks([facts(), config(expected)]);
  const others = [
    ["0.1", "0.2", '"optimizer.learningRate" is 0.1 on rank 0'],
    ["[1, 2]", "[1, 3]", '"optimizer.steps.1" is 2 on rank 0'],
    ["[1, 2]", "[1]", '"optimizer.steps.1" is 2 on rank 0 (host "a") and missing'],
    ["[]", '["road"]', '"classes" is [] on rank 0 (host "a") and missing'],
  ] as const;
  for (const [from, to, message] of others) {
    assert.throws(
      () => checkRanks([facts(), config(expected.replace(from, to))]),
      (error: Error) => error.message.includes(message),
      message,
    );
  }
});

Deno.test("checkRanks() names an option that differs", () => {
  rejects(
    [facts(), facts({ options: { fresh: true } })],
    /the option "fresh" is false on rank 0 .* give all ranks the same options/,
  );
});

Deno.test("gatherFacts() takes the facts of all ranks from their texts", () => {
  const other = facts({ host: "ü" });
  const gatherTexts = (text: string) => [text, JSON.stringify(other)];
  assert.deepEqual(gatherFacts({ gatherTexts }, facts()), [facts(), other]);
});
