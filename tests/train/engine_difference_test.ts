import assert from "node:assert/strict";
import { engineDifference } from "../../src/train/training_session.ts";

const NATIVE = {
  name: "oneDNN",
  version: "3.2.0",
  instructionSet: "AVX-512",
  threads: 1,
} as const;
const WASM = {
  name: "WebAssembly",
  version: null,
  instructionSet: "relaxed SIMD",
  threads: 1,
} as const;

Deno.test("engineDifference() is null for the same engine, and where it is not known", () => {
  assert.equal(engineDifference(undefined, NATIVE), null);
  assert.equal(engineDifference(NATIVE, { ...NATIVE }), null);
  assert.equal(engineDifference(WASM, { ...WASM, threads: 4 }), null);
});

Deno.test("engineDifference() names both engines", () => {
  const changes = [
    { version: "3.7.2" },
    { instructionSet: "AVX2" },
    { threads: 2 },
  ] as const;
  for (const change of changes) {
    const [value] = Object.values(change);
    const line = engineDifference(NATIVE, { ...NATIVE, ...change }) ?? "";
    assert.match(line, /^computed so far by oneDNN 3\.2\.0 \(AVX-512, 1 thread\), /);
    assert.ok(line.includes(String(value)), line);
  }
  const line = engineDifference(WASM, NATIVE) ?? "";
  assert.match(line, /^computed so far by WebAssembly \(relaxed SIMD, 1 thread\), from /);
  assert.notEqual(engineDifference(WASM, { ...WASM, instructionSet: "SIMD" }), null);
});
