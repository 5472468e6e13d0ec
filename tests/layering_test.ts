import assert from "node:assert/strict";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What each folder of src/ may import besides itself and outside packages; or one file. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ["core"],
  kernels: ["core"],
  ops: ["core", "kernels"],
  layers: ["core", "ops"],
  models: ["core", "ops", "layers"],
  weights: ["core"],
  data: ["core"],
  augment: ["core", "ops"],
  objectives: ["core", "ops"],
  optim: ["core", "ops"],
  methods: ["core", "objectives", "optim", "augment"],
  engine: [
    "core",
    "config",
    "models",
    "weights",
    "data",
    "augment",
    "objectives",
    "optim",
    "methods",
    "kernels/recorder.ts",
  ],
  cli: ["core"],
  verify: [
    "layers",
    "core",
    "ops",
    "models",
    "weights",
    "data",
    "augment",
    "objectives",
    "optim",
    "methods",
  ],
};

/** A file that is longer has two ideas in it. */
const MOST_LINES = 300;

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

/** Comment lines aside, what a file imports. */
function specifiersOf({ text }: Source): string[] {
  const code = text.replace(/^\s*(\*|\/\/ (?!@ts-types)).*$/gm, "");
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

const folderOf = (path: string) => path.split("/")[1] ?? "";

const all = await sourcesIn("src");

for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
  Deno.test(`src/${folder} imports only what it may`, () => {
    for (const source of all.filter(({ path }) => path.startsWith(`src/${folder}/`))) {
      for (const target of importsOf(source)) {
        assert(
          target.startsWith("src/") &&
            [folder, ...allowed].some((one) =>
              one === folderOf(target) || `src/${one}` === target
            ),
          `${source.path} imports ${target}: move the shared part to src/core`,
        );
      }
    }
  });
}

Deno.test("every folder of src/ has its line in the table", () => {
  for (const { path } of all) {
    assert(
      folderOf(path) in MAY_IMPORT,
      `${path}: say in tests/layering_test.ts what its folder may import`,
    );
  }
});

Deno.test("tasks import only mod.ts, src/cli, bench and each other", async () => {
  for (const source of await sourcesIn("tasks")) {
    for (const target of importsOf(source)) {
      assert(
        target === "mod.ts" || target.startsWith("src/cli/") ||
          /^(tasks|bench|configs)\//.test(target),
        `${source.path} imports ${target}: export it from mod.ts`,
      );
    }
  }
});

Deno.test("examples import only mod.ts and their own files", async () => {
  for (const source of await sourcesIn("examples")) {
    for (const target of importsOf(source)) {
      assert(
        target === "mod.ts" || dirname(target) === dirname(source.path),
        `${source.path} imports ${target}: export it from mod.ts`,
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

Deno.test("outside packages are named in src/core, each in one file", async () => {
  const roots = ["tasks", "bench", "tests", "examples"];
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
        source.path.startsWith("src/core/"),
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
      text.replace(/^\s*(\*|\/\/).*$/gm, ""),
      /\bconsole\b|Deno\.std(out|err)/,
      `${path} prints: let it receive a log`,
    );
  }
});

Deno.test(`no file of src/ has more than ${MOST_LINES} lines`, () => {
  for (const { path, text } of all) {
    const lines = text.trimEnd().split("\n").length;
    assert(lines <= MOST_LINES, `${path} has ${lines} lines: split it by idea`);
  }
});
