/**
 * The part of Deno's npm cache that a run of this project loads.
 *
 * A package is some code and much else: declarations, source maps, documents, tests, the
 * same code once more for browsers. The rules here keep what can be loaded on Linux x86-64,
 * a tenth of it; the pack's test runs from nothing else.
 *
 * @module
 */
import { join } from "node:path";
import { z } from "../../core/zod.ts";
import { type LockedPackage, lockedPackages } from "./lock_file.ts";
import { filesIn, type PackedFile } from "./part.ts";

/** Where the packed cache has its packages, whichever mirror they came from. */
const PACKED = "cache/npm/registry.npmjs.org";

/** Code, data and native libraries; not `.d.ts`, `.map`, `.md`. */
const LOADED = /\.(?:[cm]?js|json|node|wasm|so(?:\.\d+)*)$/;
const LICENCE = /^(?:licen[cs]e|notice|copying)\b/i;
/** At the top of a package; further inside, a folder `test` may be part of it. */
const FOR_DEVELOPERS = /^(?:\.[^/]*|tests?|__tests__|examples?|benchmarks?)\/$/;
/** TensorFlow.js ships a dozen bundles per package, and this is Deno's. */
const TENSORFLOW_LOADED = /^(?:package\.json|dist\/|dist\/[^/]+\.(?:node\.js|wasm))$/;

/** Whether a file or folder (ends with a slash) of a package may be loaded. */
export function isLoaded(name: string, path: string): boolean {
  if (name.startsWith("@tensorflow/")) return TENSORFLOW_LOADED.test(path);
  if (path.endsWith("/")) return !FOR_DEVELOPERS.test(path);
  return LOADED.test(path) || LICENCE.test(path);
}

/**
 * Lists what a pack needs of the npm cache.
 *
 * @param lock The text of deno.lock.
 * @param cache Deno's cache folder.
 * @throws {Error} If a package is not in the cache.
 */
export async function npmFiles(lock: string, cache: string): Promise<PackedFile[]> {
  const packages = lockedPackages(lock);
  const registries = await foldersIn(join(cache, "npm"));
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
    // Deno wants the folders of all packages of this system, whatever their C library.
    const isWanted = await isForGlibc(folder)
      ? (path: string) => isLoaded(name, path)
      : (path: string) => path === "package.json";
    for (const path of await filesIn(folder, isWanted)) {
      files.push({
        from: join(folder, path),
        to: `${PACKED}/${name}/${version}/${path}`,
      });
    }
  }
  return [...files, ...await pageFiles(packages, registries)];
}

const PackageJson = z.object({ libc: z.array(z.string()).default(["glibc"]) });

async function isForGlibc(folder: string): Promise<boolean> {
  const text = await Deno.readTextFile(join(folder, "package.json"));
  return PackageJson.parse(JSON.parse(text)).libc.includes("glibc");
}

const Named = z.record(z.string(), z.string()).default({});

/** What a version on a page of the registry may bring with it. */
const Version = z.object({
  dependencies: Named,
  optionalDependencies: Named,
  peerDependencies: Named,
});

const Page = z.looseObject({
  "dist-tags": Named,
  versions: z.record(z.string(), z.unknown()),
  time: z.record(z.string(), z.unknown()).default({}),
});

/**
 * The registry's page of each package, cut down to the packed versions: a program that
 * imports mod.ts by URL has no lock file, and finds its versions there. Peers that nobody
 * asked for are looked up too, and get a page without versions.
 */
async function pageFiles(
  packages: readonly LockedPackage[],
  registries: readonly string[],
): Promise<PackedFile[]> {
  const versions = new Map<string, Set<string>>();
  for (const { name, version } of packages) {
    versions.set(name, (versions.get(name) ?? new Set()).add(version));
  }
  const files: PackedFile[] = [];
  const mentioned = new Set<string>();
  for (const [name, kept] of versions) {
    const folder = await firstFolder(registries, name);
    if (folder === null) continue;
    const text = await Deno.readTextFile(join(folder, "registry.json")).catch(() => null);
    if (text === null) continue; // without pages, the lock file is enough for tasks
    const page = cutDown(text, kept);
    for (const version of Object.values(page.versions)) {
      const { dependencies, optionalDependencies, peerDependencies } = Version.parse(
        version,
      );
      for (const needs of [dependencies, optionalDependencies, peerDependencies]) {
        for (const need of Object.keys(needs)) mentioned.add(need);
      }
    }
    files.push({ to: `${PACKED}/${name}/registry.json`, text: JSON.stringify(page) });
  }
  for (const name of mentioned) {
    if (versions.has(name)) continue;
    const text = JSON.stringify({ name, "dist-tags": {}, versions: {} });
    files.push({ to: `${PACKED}/${name}/registry.json`, text });
  }
  return files;
}

function cutDown(text: string, kept: ReadonlySet<string>): z.output<typeof Page> {
  const page = Page.parse(JSON.parse(text));
  const only = <T>(entries: Record<string, T>, keep: (entry: [string, T]) => boolean) =>
    Object.fromEntries(Object.entries(entries).filter(keep));
  return {
    ...page,
    "dist-tags": only(page["dist-tags"], ([, version]) => kept.has(version)),
    versions: only(page.versions, ([version]) => kept.has(version)),
    time: only(page.time, ([version]) => kept.has(version)),
  };
}

async function foldersIn(folder: string): Promise<string[]> {
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
