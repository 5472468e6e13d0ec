import assert from "node:assert/strict";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What each folder of src/ may import besides itself and outside packages; or one file. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  native: [],
  wasm: [],
  core: ["native", "wasm"],
  io: ["core/environment.ts"],
  formats: ["core", "io"],
  config: ["core", "io", "data/native_classes.ts", "data/selection.ts"],
  download: ["core", "io"],
  data: ["core", "formats", "io"],
  weights: ["core", "formats", "io"],
  gpu: ["core", "native", "wasm"],
  distributed: ["core"],
  ops: ["core", "gpu", "native", "wasm"],
  layers: ["core", "ops"],
  models: ["core", "ops", "layers"],
  augment: ["core", "ops"],
  objectives: ["core", "ops"],
  optim: ["core", "ops"],
  methods: ["core", "augment", "objectives", "optim"],
  prepare: ["core", "config", "data", "formats", "io"],
  evaluate: [
    "core",
    "config",
    "data",
    "io",
    "methods/learner.ts",
    "models",
    "objectives",
    "prepare",
    "weights",
  ],
  convert: ["core", "config", "evaluate", "io", "prepare", "weights"],
  export: [
    "core",
    "config",
    "evaluate",
    "formats",
    "io",
    "models",
    "objectives",
    "ops",
    "weights",
  ],
  train: [
    "core",
    "augment",
    "config",
    "data",
    "download",
    "evaluate",
    "formats",
    "distributed",
    "gpu/compile.ts",
    "gpu/exchange.ts",
    "gpu/step_recorder.ts",
    "io",
    "methods",
    "models",
    "objectives",
    "ops/across_ranks.ts",
    "optim",
    "prepare",
    "weights",
  ],
  init: [
    "core",
    "config",
    "data",
    "evaluate/build_network.ts",
    "formats",
    "io",
    "prepare",
    "train/estimate_memory.ts",
  ],
  browser: ["core", "config", "evaluate", "formats", "wasm", "weights"],
  doctor: [
    "core",
    "distributed/mpi_library.ts",
    "formats",
    "gpu/compile.ts",
    "io",
    "native",
    "ops",
  ],
  // What serves the page of runs is light: it knows their files and nothing of a network.
  ui: ["core/yaml.ts", "io", "train/run_files.ts"],
  cli: [
    "core",
    "distributed/launcher.ts",
    "download/download.ts",
    "formats",
    "io",
    "train/run_files.ts",
    "ui/page/curves.js",
  ],
};

/** The modules that are for everybody. */
const FACES = ["mod.ts", "browser.ts", "config.ts", "nn.ts", "weights.ts"];

/** Who speaks WebGPU besides src/gpu and src/ops: who opens the device, or plays one. */
const WEBGPU_FILES = ["src/core/device.ts", "src/core/dry_run.ts"];

/** Static and dynamic imports, re-exports, type imports in doc comments and workers. */
const SPECIFIER = /(?:\bfrom|\bimport|new URL)\s*\(?\s*["']([^"'\n]+)["']/g;

/** A package in front of its version and its path inside. */
const PACKAGE = /^(?:npm|jsr):\/?((?:@[^/]+\/)?[^@/]+)/;

interface Source {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

async function sourcesIn(folder: string): Promise<Source[]> {
  const found: Source[] = [];
  try {
    for await (const entry of Deno.readDir(join(ROOT, folder))) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) found.push(...await sourcesIn(path));
      else if (/\.(ts|js|wgsl)$/.test(path)) {
        found.push({ path, text: await Deno.readTextFile(join(ROOT, path)) });
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // not written yet
  }
  return found;
}

/** A text without its comment lines. */
const codeOf = (text: string): string => text.replace(/^\s*(\/?\*|\/\/).*$/gm, "");

/** Comment lines aside, what a file imports. */
function specifiersOf({ text }: Source): string[] {
  const code = codeOf(text);
  const types = [...text.matchAll(/^\/\/ @ts-types="([^"]+)"/gm)];
  return [...code.matchAll(SPECIFIER), ...types].map(([, specifier = ""]) => specifier);
}

/** Files of this repository that a file imports, from the root, with slashes. */
function importsOf(source: Source): string[] {
  return specifiersOf(source)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) =>
      relative(ROOT, join(ROOT, dirname(source.path), specifier)).replaceAll(sep, "/")
    );
}

/** Files of a graph of imports in the order of a shortest cycle; null if there is none. */
function findCycle(imports: ReadonlyMap<string, readonly string[]>): string[] | null {
  let shortest: string[] | null = null;
  for (const start of imports.keys()) {
    // Breadth first, each file with the one that it was reached from.
    const reachedFrom = new Map<string, string>();
    const queue = [start];
    for (const file of queue) {
      for (const target of imports.get(file) ?? []) {
        if (reachedFrom.has(target)) continue;
        reachedFrom.set(target, file);
        queue.push(target);
      }
      if (reachedFrom.has(start)) break;
    }
    let file = reachedFrom.get(start);
    if (file === undefined) continue;
    const cycle = [start];
    for (; file !== undefined && file !== start; file = reachedFrom.get(file)) {
      cycle.unshift(file);
    }
    cycle.unshift(start);
    if (shortest === null || cycle.length < shortest.length) shortest = cycle;
  }
  return shortest;
}

const folderOf = (path: string) => path.split("/")[1] ?? "";

const all = await sourcesIn("src");

for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
  Deno.test(`src/${folder} imports only what it may`, () => {
    for (const source of all.filter(({ path }) => path.startsWith(`src/${folder}/`))) {
      for (const target of importsOf(source)) {
        if (!target.startsWith("src/")) continue; // see below
        assert(
          [folder, ...allowed].some((one) =>
            one === folderOf(target) || `src/${one}` === target
          ),
          `${source.path} imports ${target}: move the shared part to src/core`,
        );
      }
    }
  });
}

Deno.test("the table says no more than what is imported", () => {
  for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
    const imported = all.filter(({ path }) => folderOf(path) === folder)
      .flatMap(importsOf);
    for (const one of allowed) {
      assert(
        imported.some((target) => one === folderOf(target) || `src/${one}` === target),
        `src/${folder} imports nothing of ${one}: take it from the table`,
      );
    }
  }
});

Deno.test("every folder of src/ has its line in the table", () => {
  for (const { path } of all) {
    assert(
      folderOf(path) in MAY_IMPORT,
      `${path}: say in tests/layering_test.ts what its folder may import`,
    );
  }
});

Deno.test("src imports nothing outside of src, but src/cli types of faces", () => {
  for (const source of all) {
    for (const target of importsOf(source)) {
      if (target.startsWith("src/")) continue;
      // Where the project's version is declared.
      if (source.path === "src/core/versions.ts" && target === "deno.json") continue;
      assert(
        FACES.includes(target) && folderOf(source.path) === "cli",
        `${source.path} imports ${target}`,
      );
      const statements = source.text.match(/^(?:im|ex)port [^;]*;/gm) ?? [];
      for (const statement of statements.filter((one) => one.includes(`/${target}"`))) {
        assert.match(statement, /^import type /, `${source.path}: ${statement}`);
      }
    }
  }
});

Deno.test("only src/gpu and src/ops speak WebGPU", () => {
  for (const { path, text } of all) {
    if (/^src\/(gpu|ops)\//.test(path) || WEBGPU_FILES.includes(path)) continue;
    assert.doesNotMatch(
      codeOf(text),
      /\bGPU[A-Z]\w*|\bnavigator\.gpu\b|\.wgsl\b/,
      `${path} speaks WebGPU: move the part to src/gpu`,
    );
  }
});

Deno.test("no import cycle among the files of this repository", async () => {
  const folders = ["tools", "tasks", "bench", "examples", "tests"];
  const others = (await Promise.all(folders.map(sourcesIn))).flat();
  const cycle = findCycle(
    new Map([...all, ...others].map((source) => [source.path, importsOf(source)])),
  );
  assert(cycle === null, `these files import each other:\n  ${cycle?.join("\n  → ")}`);
});

Deno.test("findCycle() gives the shortest way around, in order", () => {
  const graph = (edges: Readonly<Record<string, readonly string[]>>) =>
    new Map(Object.entries(edges));
  assert.equal(findCycle(graph({ a: ["b", "c"], b: ["c"], c: ["x"] })), null);
  assert.deepEqual(findCycle(graph({ a: ["a"] })), ["a", "a"]);
  assert.deepEqual(
    findCycle(graph({ a: ["b"], b: ["c", "d"], c: ["d"], d: ["b"] })),
    ["b", "d", "b"],
  );
});

/** Imports of types, which no program has. */
const TYPE_IMPORT = /^(?:im|ex)port type [^;]*;/gm;

Deno.test("browser.ts reaches nothing of Deno or Node.js, and few packages", async () => {
  const face = "browser.ts";
  const texts = new Map(all.map(({ path, text }) => [path, text]));
  texts.set(face, await Deno.readTextFile(join(ROOT, face)));
  const reachedFrom = new Map<string, string>([[face, ""]]);
  const packages = new Set<string>();
  for (const path of reachedFrom.keys()) {
    const code = codeOf(texts.get(path) ?? "").replace(TYPE_IMPORT, "");
    const chain = [path];
    for (let from = path; from !== face;) {
      chain.unshift(from = reachedFrom.get(from) ?? face);
    }
    const way = chain.join("\n  → ");
    assert.doesNotMatch(code, /\bDeno\.\w/, `a page has no Deno:\n  ${way}`);
    for (const specifier of specifiersOf({ path, text: code })) {
      assert(!specifier.startsWith("node:"), `a page has no ${specifier}:\n  ${way}`);
      const name = PACKAGE.exec(specifier)?.[1];
      if (name !== undefined) packages.add(name);
    }
    for (const target of importsOf({ path, text: code })) {
      if (!reachedFrom.has(target)) reachedFrom.set(target, path);
    }
  }
  assert(reachedFrom.has("src/models/mit.ts") && reachedFrom.has("src/wasm/engine.ts"));
  assert.deepEqual([...packages].sort(), [
    "@tensorflow/tfjs",
    "@tensorflow/tfjs-backend-wasm",
    "@tensorflow/tfjs-backend-webgpu",
    "zod",
  ]);
});

Deno.test("tasks import only faces, src/cli, src/ui, output files, tools, bench and each other", async () => {
  for (const source of await sourcesIn("tasks")) {
    for (const target of importsOf(source)) {
      assert(
        FACES.includes(target) || target === "src/io/output_file.ts" ||
          /^(src\/cli|src\/ui|tasks|tools|bench|configs)\//.test(target),
        `${source.path} imports ${target}: export it from mod.ts`,
      );
    }
  }
});

Deno.test("tools import only src and each other", async () => {
  for (const source of await sourcesIn("tools")) {
    for (const target of importsOf(source)) {
      assert(/^(src|tools)\//.test(target), `${source.path} imports ${target}`);
    }
  }
});

Deno.test("examples import only faces and their own files", async () => {
  for (const source of await sourcesIn("examples")) {
    for (const target of importsOf(source)) {
      assert(
        FACES.includes(target) || dirname(target) === dirname(source.path),
        `${source.path} imports ${target}: export it from nn.ts`,
      );
    }
  }
});

Deno.test("tests of methods never import a model", async () => {
  for (const source of await sourcesIn("tests/methods")) {
    for (const target of importsOf(source)) {
      assert(
        !/^src\/(models|layers)\//.test(target),
        `${source.path} imports ${target}: a network of one convolution will do`,
      );
    }
  }
});

Deno.test("outside packages are named in src/core, src/formats, src/cli, src/ui, tools/dawn, tools/wasm, bench/peers or tests/support, each in one file", async () => {
  const roots = ["tasks", "tools", "bench", "tests", "examples"];
  const others = (await Promise.all(roots.map(sourcesIn))).flat();
  const homes = new Map<string, string>();
  for (const source of [...all, ...others]) {
    for (const specifier of specifiersOf(source)) {
      const name = PACKAGE.exec(specifier)?.[1];
      if (name === undefined) continue;
      assert(
        specifier.startsWith("npm:"),
        `${source.path} imports ${specifier}: use npm`,
      );
      assert.match(
        specifier,
        /@\d+\.\d+\.\d+/,
        `${source.path}: ${specifier} has no version`,
      );
      assert(
        /^(src\/(core|formats|cli|ui)|tools\/(dawn|wasm)|bench\/peers|tests\/support)\//
          .test(
            source.path,
          ),
        `${source.path} imports ${specifier}: wrap it in a file of src/core`,
      );
      const home = homes.get(name) ?? source.path;
      homes.set(name, home);
      assert.equal(source.path, home, `${name} is named in ${home} already`);
    }
  }
});

Deno.test("only tasks and src/cli print", () => {
  for (const { path, text } of all.filter(({ path }) => !path.startsWith("src/cli/"))) {
    assert.doesNotMatch(
      codeOf(text),
      /\bconsole\b|Deno\.std(out|err)/,
      `${path} prints: let it receive a log`,
    );
  }
});
