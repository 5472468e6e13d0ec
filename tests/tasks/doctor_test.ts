import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openBackend } from "../../src/core/backend.ts";
import { compiledKernels } from "../../src/gpu/compile.ts";
import { main } from "../../tasks/doctor.ts";
import { call } from "../support/commands.ts";
import { NATIVE_LIBRARY } from "../support/mod.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The names of all kernels with a shader, as their declarations have them. */
async function declaredShaders(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name: folder, isDirectory } of Deno.readDir(join(ROOT, "src/ops"))) {
    if (!isDirectory) continue;
    for await (const { name } of Deno.readDir(join(ROOT, "src/ops", folder))) {
      if (!name.endsWith(".ts")) continue;
      const text = await Deno.readTextFile(join(ROOT, "src/ops", folder, name));
      // From one declaration to the next.
      for (const part of text.split(/\b(?=defineKernel\(|kernelVariants\()/).slice(1)) {
        const [, kernel] = /^\w+\(\s*(?:\{\s*name: )?"(\w+)"/.exec(part) ?? [];
        if (kernel !== undefined && /\bshader\b/.test(part)) names.push(kernel);
      }
    }
  }
  return names;
}

/** A graphics interface that this system does not have: hides every adapter. */
const FOREIGN = Deno.build.os === "windows" ? "metal" : "dx12";

Deno.test({
  name: "doctor tests every backend that is there",
  sanitizeOps: false, // the GPU device outlives the test
  sanitizeResources: false,
  async fn() {
    const { status, out, error } = await call(main);
    assert.equal(status, 0, error);
    assert.match(out, /^self-test on wasm$/m);
    assert.match(out, /gradient of a dilated convolution to its filter .* ok/);
    assert.match(out, /^backend {4}(wasm|webgpu): /m);
    assert.match(
      out,
      /^MPI {8}(\S.* \(lib.*\)|only for ranks that train together: Cannot use )/m,
    );
    if (!out.includes("self-test on webgpu")) return;
    assert.match(
      out,
      /^(\d+) of \1 operations agree with the CPU, at an odd and at an even/m,
    );
    await openBackend("webgpu");
    const compiled = new Set(compiledKernels().map((name) => name.split(" ", 1)[0]));
    const declared = await declaredShaders();
    assert.ok(declared.length > 60, "declarations were found");
    assert.deepEqual(declared.filter((name) => !compiled.has(name)), []);
  },
});

Deno.test({
  name: "doctor tests oneDNN where it is there",
  ignore: NATIVE_LIBRARY === null,
  sanitizeOps: false,
  sanitizeResources: false, // the library stays open
  async fn() {
    const options = ["--native", NATIVE_LIBRARY ?? "", "--threads", "1"];
    const { status, out, error } = await call(main, ...options);
    assert.equal(status, 0, error);
    assert.match(out, /^oneDNN {5}3\.\d+\.\d+ at .*, 1 thread: self-test passed$/m);
    assert.match(out, /^self-test on wasm with oneDNN$/m);
  },
});

Deno.test({
  name: "doctor fails where a library that was named cannot be used",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const { status, error } = await call(main, "--native", "/nowhere/libdnnl.so.3");
    assert.equal(status, 1);
    assert.match(error, /^Cannot use oneDNN: there is no "\/nowhere\/libdnnl\.so\.3"; /);
  },
});

Deno.test("doctor says what to install where no GPU is reachable, and that is no failure", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "doctor", "--json"],
    cwd: ROOT,
    env: { DENO_WEBGPU_BACKEND: FOREIGN },
  }).output();
  const diagnosis = JSON.parse(new TextDecoder().decode(stdout));
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.equal(diagnosis.adapter, null);
  assert.equal(diagnosis.autoBackend.name, "wasm");
  assert.deepEqual(diagnosis.backends.map(({ name }: { name: string }) => name), [
    "wasm",
  ]);
  assert.match(diagnosis.advice[0], /^No GPU is reachable: /);
});
