import assert from "node:assert/strict";
import { join } from "node:path";
import { isNeededAtRuntime, npmFiles } from "../../../tools/pack/npm_files.ts";
import type { PackedFile } from "../../../tools/pack/archive.ts";
import { inFolder } from "../../support/files.ts";

Deno.test("isNeededAtRuntime() keeps code, data, native libraries and licenses", () => {
  const kept = [
    "package.json",
    "index.js",
    "dist/",
    "dist/doc/",
    "dist/test/",
    "dist/a.cjs",
    "a.mjs",
    "lib/sharp.node",
    "lib/libvips-cpp.so.8.18.7",
    "a.wasm",
    "LICENSE",
    "LICENCE.txt",
  ];
  const dropped = [
    "README.md",
    "index.d.ts",
    "src/index.ts",
    "a.js.map",
    "test/",
    ".rollup.cache/",
    "licensed.txt",
  ];
  assert.deepEqual(
    [...kept, ...dropped].filter((path) => isNeededAtRuntime("plain", path)),
    kept,
  );
});

Deno.test("isNeededAtRuntime() keeps one bundle of each TensorFlow.js package", () => {
  const paths = [
    "package.json",
    "dist/",
    "dist/tf.node.js",
    "dist/tfjs-backend-wasm.wasm",
    "dist/tf.min.js",
    "dist/tf.node.js.map",
    "dist/ops/",
    "src/",
    "wasm-out/",
  ];
  const kept = paths.filter((path) => isNeededAtRuntime("@tensorflow/tfjs", path));
  assert.deepEqual(kept, paths.slice(0, 4));
});

/** A cache filled from a mirror, with two packages. */
async function fillCache(cache: string): Promise<void> {
  const write = async (path: string, text: string) => {
    const file = join(cache, "npm", "mirror.example", path);
    await Deno.mkdir(join(file, ".."), { recursive: true });
    await Deno.writeTextFile(file, text);
  };
  await write("a/1.0.0/package.json", "{}");
  await write("a/1.0.0/index.js", "");
  await write("a/1.0.0/README.md", "");
  await write(
    "a/registry.json",
    JSON.stringify({
      name: "a",
      "dist-tags": { latest: "2.0.0", old: "1.0.0" },
      versions: { "1.0.0": { peerDependencies: { optional: "^1.0.0" } }, "2.0.0": {} },
    }),
  );
  await write("musl/1.0.0/package.json", '{"libc":["musl"]}');
  await write("musl/1.0.0/index.js", "");
}

const LOCK = JSON.stringify({
  specifiers: { "npm:a@1.0.0": "1.0.0", "npm:musl@1.0.0": "1.0.0" },
  npm: { "a@1.0.0": {}, "musl@1.0.0": {} },
});

Deno.test("npmFiles() takes the loaded files, whatever mirror they came from", () =>
  inFolder(async (cache) => {
    await fillCache(cache);
    const files = await npmFiles(LOCK, cache);
    const base = "cache/npm/registry.npmjs.org";
    assert.deepEqual(files.map(({ to }) => to), [
      `${base}/a/1.0.0/index.js`,
      `${base}/a/1.0.0/package.json`,
      `${base}/musl/1.0.0/package.json`,
      `${base}/a/registry.json`,
      `${base}/optional/registry.json`,
    ]);
    const textOf = (file: PackedFile | undefined) =>
      file !== undefined && "text" in file ? JSON.parse(file.text) : null;
    const page = textOf(files.at(-2));
    assert.deepEqual(page["dist-tags"], { old: "1.0.0" });
    assert.deepEqual(Object.keys(page.versions), ["1.0.0"]);
    assert.deepEqual(textOf(files.at(-1)).versions, {});
  }));

Deno.test("npmFiles() names a package that the cache lacks, and the cure", () =>
  inFolder(async (cache) => {
    await assert.rejects(
      npmFiles(LOCK, cache),
      /^Error: Cannot pack "a@1.0.0": it is not in Deno's cache .*; "deno cache mod.ts"/,
    );
  }));
