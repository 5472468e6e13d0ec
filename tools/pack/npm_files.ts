/**
 * The part of Deno's npm cache that a run of this project loads.
 *
 * A package has some code and much else: declarations, source maps, documents, tests, the
 * same code for browsers. These rules keep what can be loaded on Linux x86-64, a tenth of
 * it; the pack's test runs from nothing else.
 *
 * @module
 */
import { join } from "node:path";
import * as z from "../../src/core/zod.ts";
import { type LockedPackage, lockedPackages } from "./lock_file.ts";
import { listFiles, type PackedFile } from "./archive.ts";

/** The folder of packages in the packed cache, also if they came from a mirror. */
const PACKED_REGISTRY = "cache/npm/registry.npmjs.org";

/** Code, data and native libraries; not `.d.ts`, `.map`, `.md`. */
const LOADED_FILE = /\.(?:[cm]?js|css|json|node|wasm|so(?:\.\d+)*)$/;
const LICENSE_FILE = /^(?:licen[cs]e|notice|copying)\b/i;
/** At the top of a package; a folder `test` at a deeper level may be needed. */
const DEVELOPMENT_PATH = /^(?:\.[^/]*|tests?|__tests__|examples?|benchmarks?)\/$/;
/** TensorFlow.js has a dozen bundles per package; Deno loads this one. */
const TENSORFLOW_FILE = /^(?:package\.json|dist\/|dist\/[^/]+\.(?:node\.js|wasm))$/;

/** Whether a file or folder (ends with a slash) of a package may be loaded. */
export function isNeededAtRuntime(name: string, path: string): boolean {
  if (name.startsWith("@tensorflow/")) return TENSORFLOW_FILE.test(path);
  if (path.endsWith("/")) return !DEVELOPMENT_PATH.test(path);
  return LOADED_FILE.test(path) || LICENSE_FILE.test(path);
}

/** What the compilers of kernels, benchmarks and tests import, and no run does. */
const DEVELOPMENT: ReadonlySet<string> = new Set([
  "@jax-js/jax",
  "ajv",
  "assemblyscript",
  "binaryen",
  ...["onnxruntime-node", "onnxruntime-common", "adm-zip", "global-agent"],
  "playwright-core",
  "debug",
  "ms",
  "webgpu",
]);

/**
 * Lists what a pack needs of the npm cache.
 *
 * @param lock The text of deno.lock.
 * @param cache Deno's cache folder.
 * @throws {Error} If a package is not in the cache.
 */
export async function npmFiles(lock: string, cache: string): Promise<PackedFile[]> {
  const packages = lockedPackages(lock);
  const registries = await subfolders(join(cache, "npm"));
  const files: PackedFile[] = [];
  for (const { name, version, isForLinux } of packages) {
    if (!isForLinux) continue;
    const folder = await firstFolder(registries, join(name, version));
    if (folder === null) {
      throw new Error(
        `Cannot pack "${name}@${version}": it is not in Deno's cache "${cache}"; ` +
          '"deno cache mod.ts" in the project\'s folder gets it',
      );
    }
    // Deno needs the folders of all packages of this system, for any C library and use.
    const isWanted = !DEVELOPMENT.has(name) && await isForGlibc(folder)
      ? (path: string) => isNeededAtRuntime(name, path)
      : (path: string) => path === "package.json";
    for (const path of await listFiles(folder, isWanted)) {
      files.push({
        from: join(folder, path),
        to: `${PACKED_REGISTRY}/${name}/${version}/${path}`,
      });
    }
  }
  return [...files, ...await registryPages(packages, registries)];
}

const PackageJson = z.object({ libc: z.array(z.string()).default(["glibc"]) });

async function isForGlibc(folder: string): Promise<boolean> {
  const text = await Deno.readTextFile(join(folder, "package.json"));
  return PackageJson.parse(JSON.parse(text)).libc.includes("glibc");
}

const StringMap = z.record(z.string(), z.string()).default({});

/** The dependencies of a version on a page of the registry. */
const RegistryVersion = z.object({
  dependencies: StringMap,
  optionalDependencies: StringMap,
  peerDependencies: StringMap,
});

const RegistryPage = z.looseObject({
  "dist-tags": StringMap,
  versions: z.record(z.string(), z.unknown()),
  time: z.record(z.string(), z.unknown()).default({}),
});

/**
 * The registry's page of each package, reduced to the packed versions: a program that
 * imports mod.ts by URL has no lock file and resolves versions there. Optional peers are
 * resolved too, and get a page without versions.
 */
async function registryPages(
  packages: readonly LockedPackage[],
  registries: readonly string[],
): Promise<PackedFile[]> {
  const versions = new Map<string, Set<string>>();
  for (const { name, version } of packages) {
    versions.set(name, (versions.get(name) ?? new Set()).add(version));
  }
  const files: PackedFile[] = [];
  const dependencyNames = new Set<string>();
  for (const [name, kept] of versions) {
    const folder = await firstFolder(registries, name);
    if (folder === null) continue;
    const text = await Deno.readTextFile(join(folder, "registry.json")).catch(() => null);
    if (text === null) continue; // without pages, the lock file is enough for tasks
    const page = trimPage(text, kept);
    for (const version of Object.values(page.versions)) {
      const { dependencies, optionalDependencies, peerDependencies } = RegistryVersion
        .parse(
          version,
        );
      for (const needs of [dependencies, optionalDependencies, peerDependencies]) {
        for (const need of Object.keys(needs)) dependencyNames.add(need);
      }
    }
    files.push({
      to: `${PACKED_REGISTRY}/${name}/registry.json`,
      text: JSON.stringify(page),
    });
  }
  for (const name of dependencyNames) {
    if (versions.has(name)) continue;
    const text = JSON.stringify({ name, "dist-tags": {}, versions: {} });
    files.push({ to: `${PACKED_REGISTRY}/${name}/registry.json`, text });
  }
  return files;
}

function trimPage(
  text: string,
  kept: ReadonlySet<string>,
): z.output<typeof RegistryPage> {
  const page = RegistryPage.parse(JSON.parse(text));
  const only = <T>(entries: Record<string, T>, keep: (entry: [string, T]) => boolean) =>
    Object.fromEntries(Object.entries(entries).filter(keep));
  return {
    ...page,
    "dist-tags": only(page["dist-tags"], ([, version]) => kept.has(version)),
    versions: only(page.versions, ([version]) => kept.has(version)),
    time: only(page.time, ([version]) => kept.has(version)),
  };
}

async function subfolders(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) found.push(join(folder, name));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // an empty cache
  }
  return found;
}

/** @returns The first of `parents` that has the folder `path`, joined with it. */
async function firstFolder(
  parents: readonly string[],
  path: string,
): Promise<string | null> {
  for (const parent of parents) {
    const folder = join(parent, path);
    const info = await Deno.stat(folder).catch(() => null);
    if (info?.isDirectory) return folder;
  }
  return null;
}
