import assert from "node:assert/strict";
import { gpuMemory } from "../../src/core/gpu_memory.ts";

const CARD = { name: "NVIDIA GeForce RTX 3060", software: false };

Deno.test("gpuMemory() reads what the user says", () => {
  for (
    const [text, expected] of [
      ["8GB", 8e9],
      ["8 gb", 8e9],
      ["8192MiB", 8 * 2 ** 30],
      ["0.5GiB", 2 ** 29],
      ["123456", 123456],
    ] as const
  ) assert.equal(gpuMemory(CARD, text), expected, text);
  for (const text of ["8", "8GB"]) {
    assert.ok(gpuMemory({ ...CARD, software: true }, text));
  }
  for (const text of ["", "much", "8XB", "-8GB", "0", "8GB!"]) {
    assert.throws(() => gpuMemory(CARD, text), /^RangeError: Cannot use FST_GPU_MEMORY=/);
  }
});

Deno.test("gpuMemory() knows GPUs that share the machine's memory, and no others", () => {
  const { total } = Deno.systemMemoryInfo();
  const memoryOf = (name: string, software = false) =>
    gpuMemory({ name, software }, undefined);
  assert.equal(memoryOf("llvmpipe (LLVM 15.0.6, 256 bits)", true), total);
  for (
    const name of [
      "Apple M2 Pro",
      "Intel(R) UHD Graphics 620",
      "Intel(R) Iris(R) Xe Graphics",
      "AMD Radeon(TM) Graphics",
    ]
  ) assert.equal(memoryOf(name), total, name);
  for (
    const name of [
      "NVIDIA GeForce RTX 3060",
      "AMD Radeon RX 7900 XTX",
      "Intel(R) Arc(TM) A770 Graphics",
      "unknown",
    ]
  ) assert.equal(memoryOf(name), null, name);
});
