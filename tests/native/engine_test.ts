import assert from "node:assert/strict";
import { openBackend } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { nativeEngine } from "../../src/native/engine.ts";
import { NativeLibraryError } from "../../src/native/find_library.ts";
import { instructionSetName, openNativeEngine } from "../../src/native/open_engine.ts";
import {
  ARGUMENT,
  type Dnnl,
  openDnnl,
  type PrimitivePlan,
} from "../../src/native/dnnl.ts";
import { geluPlan } from "../../src/native/element_wise.ts";
import {
  findLibrary,
  installCommand,
  knownLibraries,
  openLibrary,
  RUNTIME,
  versionProblem,
} from "../../src/native/find_library.ts";
import { createPrimitiveCache } from "../../src/native/primitive_cache.ts";
import { gelu } from "../../src/ops/gelu/gelu.ts";
import { NATIVE_LIBRARY, onNative } from "../support/mod.ts";

const GOOD = { major: 3, minor: 7, patch: 2, cpuRuntime: RUNTIME.openMp, gpuRuntime: 0 };

Deno.test("versionProblem() is null for builds of version 3 for the CPU", () => {
  assert.equal(versionProblem(GOOD), null);
  assert.equal(versionProblem({ ...GOOD, cpuRuntime: RUNTIME.tbb }), null);
  assert.equal(versionProblem({ ...GOOD, cpuRuntime: RUNTIME.sequential }), null);
});

Deno.test("versionProblem() names what is wrong with another build", () => {
  const problem = (other: Partial<typeof GOOD>) =>
    versionProblem({ ...GOOD, ...other }) ?? "";
  assert.match(problem({ major: 2, minor: 6, patch: 3 }), /it is version 2\.6\.3/);
  assert.match(problem({ cpuRuntime: RUNTIME.sycl }), /build for SYCL or GPUs/);
  assert.match(problem({ gpuRuntime: 256 }), /build for SYCL or GPUs/);
  assert.match(problem({ cpuRuntime: RUNTIME.threadPool }), /unknown runtime \(8\)/);
});

Deno.test("openLibrary() says that there is no such file", () => {
  assert.throws(() => openLibrary("/nowhere/libdnnl.so.3"), (error) => {
    assert.ok(error instanceof NativeLibraryError);
    assert.equal(error.path, null);
    assert.match(error.reason, /^there is no "\/nowhere\/libdnnl\.so\.3"; name another/);
    return true;
  });
});

Deno.test("openLibrary() says that a file is no library", async () => {
  const file = await Deno.makeTempFile({ suffix: ".so" });
  try {
    await Deno.writeTextFile(file, "a text");
    assert.throws(() => openLibrary(file), (error) => {
      assert.ok(error instanceof NativeLibraryError);
      assert.equal(error.path, file);
      assert.match(error.message, /^Cannot use ".*" as oneDNN: it cannot be opened \(/);
      return true;
    });
  } finally {
    await Deno.remove(file);
  }
});

Deno.test({
  name: "openLibrary() says that a library is another one",
  ignore: Deno.build.os !== "linux",
  sanitizeResources: false, // it stays open
  fn() {
    assert.throws(() => openLibrary("libm.so.6"), (error) => {
      assert.ok(error instanceof NativeLibraryError);
      assert.equal(error.path, "libm.so.6");
      assert.match(error.message, /it is another library, without "dnnl_version"$/);
      return true;
    });
  },
});

Deno.test("openLibrary() says how to allow it", async () => {
  const module = new URL("../../src/native/find_library.ts", import.meta.url);
  const script = `const { openLibrary } = await import(${JSON.stringify(module.href)});
    try { openLibrary("libdnnl.so.3"); } catch (error) { console.log(error.message); }`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, script);
    const run = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", "--allow-read", file],
    }).output();
    assert.match(
      new TextDecoder().decode(run.stdout),
      /^Cannot use "libdnnl.so.3" as oneDNN: .* allow it with "--allow-ffi"$/m,
    );
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("findLibrary() tells of the library that came closest", () => {
  assert.throws(() => findLibrary([]), /^NativeLibraryError: Cannot use oneDNN: no libr/);
  if (Deno.build.os !== "linux") return;
  assert.throws(
    () => findLibrary(["/nowhere/libdnnl.so.3", "libm.so.6"]),
    /Cannot use "libm\.so\.6" as oneDNN/,
  );
});

Deno.test("knownLibraries() has places for every system", () => {
  assert.ok(knownLibraries({ os: "linux", arch: "x86_64" }).includes("libdnnl.so.3.6"));
  assert.ok(
    knownLibraries({ os: "linux", arch: "aarch64" })
      .includes("/usr/lib/aarch64-linux-gnu/libdnnl.so.3"),
  );
  assert.match(knownLibraries({ os: "darwin", arch: "aarch64" }).join(), /\.3\.dylib/);
  assert.deepEqual(knownLibraries({ os: "windows", arch: "x86_64" }), ["dnnl.dll"]);
});

Deno.test("installCommand() fits the system", async () => {
  const on = (os: typeof Deno.build.os, release = "") =>
    installCommand({ os }, () => Promise.resolve(release));
  assert.equal(await on("darwin"), "brew install onednn");
  assert.equal(
    await on("linux", 'ID=debian\nVERSION_ID="13"'),
    "apt-get install libdnnl3.6",
  );
  assert.equal(await on("linux", "ID=debian"), "apt-get install libdnnl3.6"); // sid
  assert.match(
    await on("linux", 'ID=debian\nVERSION_ID="12"'),
    /^pip download --no-deps/,
  );
  assert.match(await on("linux", "ID=ubuntu"), /^pip download --no-deps/);
  assert.match(await on("windows"), /onednn-cpu-vcomp/);
});

Deno.test("instructionSetName() names the largest set", () => {
  assert.equal(instructionSetName(0x1), "SSE4.1");
  assert.equal(instructionSetName(0x7), "AVX2");
  assert.equal(instructionSetName(0x1ef), "AVX-512");
  assert.equal(instructionSetName(0x1fef), "AVX-512 AMX");
});

Deno.test("createPrimitiveCache() releases what was not used for longest", () => {
  const released: number[] = [];
  const cache = createPrimitiveCache<number>(2, (value) => released.push(value));
  const get = (value: number) => cache.get(String(value), () => value);
  [1, 2, 1, 3].forEach(get);
  assert.deepEqual(released, [2]);
  assert.equal(cache.size, 2);
  get(1);
  get(2);
  assert.deepEqual(released, [2, 3]);
  cache.clear();
  assert.deepEqual(released, [2, 3, 1, 2]);
});

function withDnnl(name: string, capacity: number, test: (dnnl: Dnnl) => void): void {
  Deno.test({
    name,
    ignore: NATIVE_LIBRARY === null,
    sanitizeResources: false, // the library stays open
    fn() {
      const dnnl = openDnnl(openLibrary(NATIVE_LIBRARY ?? "").symbols, capacity);
      test(dnnl);
      dnnl.close();
    },
  });
}

withDnnl("primitives are destroyed beyond the capacity, and made again", 3, (dnnl) => {
  const x = new Float32Array(64).fill(1);
  for (let round = 0; round < 2; round++) {
    for (let length = 1; length <= 20; length++) {
      const y = new Float32Array(64);
      assert.ok(dnnl.run(geluPlan(length), x, y));
      assert.equal(y.findLastIndex((value) => value !== 0), length - 1);
      assert.ok(dnnl.primitiveCount <= 3);
    }
  }
});

withDnnl("a view that is too small never reaches oneDNN", 8, (dnnl) => {
  const plan = geluPlan(100);
  const [large, small] = [new Float32Array(100), new Float32Array(99)];
  assert.throws(() => dnnl.run(plan, small, large), RangeError);
  assert.throws(
    () => dnnl.run(plan, large, small),
    /^RangeError: Cannot run "gelu 100": argument 1 has 396 bytes, not the 400 of its sh/,
  );
  assert.throws(() => dnnl.run(plan, large), /it takes 2 arguments, not 1$/);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const stale = new Float32Array(memory.buffer, 0, 100);
  memory.grow(1); // detaches the views
  assert.throws(() => dnnl.run(plan, stale, large), RangeError);
});

withDnnl("what oneDNN lacks is declined", 8, (dnnl) => {
  const unimplemented = 3;
  const plan: PrimitivePlan = {
    key: "unimplemented",
    build({ describe, layout, primitive }) {
      const x = layout([4]);
      return primitive(describe(() => unimplemented), [[ARGUMENT.source, x]]);
    },
  };
  assert.equal(dnnl.run(plan, new Float32Array(4)), false);
  assert.throws(
    () =>
      dnnl.run({
        ...plan,
        key: "other",
        build: ({ describe }) => {
          describe(() => 5);
          return () => {};
        },
      }),
    /^Error: Cannot run oneDNN: runtime error$/,
  );
  assert.equal(dnnl.primitiveCount, 1);
});

onNative("openBackend() with a library uses it until it is opened without", async () => {
  assert.notEqual(nativeEngine(), null);
  const run = async () => Array.from(await gelu(tf.tensor1d([-1, 0.5, 2])).data());
  const byNative = await run();
  await openBackend("wasm");
  assert.equal(nativeEngine(), null);
  const byReference = await run();
  byNative.forEach((value, i) => {
    assert.ok(Math.abs(value - (byReference[i] ?? NaN)) < 1e-6);
  });
});

onNative("openBackend() says what computes", async () => {
  const info = await openBackend("wasm", { native: NATIVE_LIBRARY ?? "", threads: 2 });
  assert.equal(info.engine.name, "oneDNN");
  assert.equal(info.engine.threads, 2);
  assert.match(info.adapter, /^WebAssembly and oneDNN 3\.\d+\.\d+ \(.*2 threads\)$/);
  assert.equal(info.reason, "as requested");
});

Deno.test({
  name:
    "openBackend() goes on without a library that cannot be used, unless it was named",
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    await assert.rejects(
      openBackend("wasm", { native: "/nowhere/libdnnl.so.3" }),
      /^NativeLibraryError: Cannot use oneDNN: there is no "\/nowhere\/libdnnl\.so\.3"; /,
    );
    const { engine, adapter } = await openBackend("wasm");
    assert.equal(engine.name, "WebAssembly");
    assert.equal(adapter, "WebAssembly");
  },
});

onNative('openNativeEngine() with threads "auto" takes one, or one per core', () => {
  const { threads } = openNativeEngine(NATIVE_LIBRARY ?? "", "auto").info;
  assert.ok(threads === 1 || threads === navigator.hardwareConcurrency);
  openNativeEngine(NATIVE_LIBRARY ?? "", 1);
});
