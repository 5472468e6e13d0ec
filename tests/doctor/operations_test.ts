import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { dryRunOperations } from "../../src/doctor/test_operations.ts";
import { collectKernels } from "../../src/gpu/compile.ts";
import { sourcesBelow } from "../support/files.ts";
import { onWebGpu } from "../support/mod.ts";

const OPS = fileURLToPath(new URL("../../src/ops/", import.meta.url));

onWebGpu("OPERATIONS run every shader", async () => {
  const { kernels } = await collectKernels(() => dryRunOperations());
  const run = kernels.map(({ shader = "" }) => shader);
  const left: string[] = [];
  for await (const path of sourcesBelow(OPS, ".wgsl")) {
    const code = (await Deno.readTextFile(path)).trim();
    if (!run.some((shader) => shader.includes(code))) left.push(path);
  }
  assert.deepEqual(left, [], "add an operation to src/doctor/operations.ts");
});
