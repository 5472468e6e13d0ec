/** The packages that a lock file names. @module */
import * as z from "../../src/core/zod.ts";

/** Other packages: `name` if there is one version, else `name@version`. */
const DependencyNames = z.array(z.string()).default([]);

const LockFile = z.object({
  specifiers: z.record(z.string(), z.string()),
  npm: z.record(
    z.string(),
    z.object({
      dependencies: DependencyNames,
      optionalDependencies: DependencyNames,
      os: z.array(z.string()).default(["linux"]),
      cpu: z.array(z.string()).default(["x64"]),
    }),
  ),
});
type LockFile = z.output<typeof LockFile>;

/** `@scope/name@1.2.3_peer@4.5.6`: a package, its version and its peers. */
const PACKAGE_KEY = /^((?:@[^/@]+\/)?[^@]+)@([^_]+)/;

/** One version of a package. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** Whether Linux x86-64 needs it. */
  readonly isForLinux: boolean;
}

/**
 * Reads the packages and versions that a project is locked to, each once.
 *
 * @param text A deno.lock, version 5.
 * @throws {SyntaxError} If it is no lock file.
 */
export function lockedPackages(text: string): LockedPackage[] {
  const lock = parseLock(text);
  const used = usedOnLinux(lock);
  const packages = new Map<string, LockedPackage>();
  for (const key of Object.keys(lock.npm)) {
    const [id, name, version] = PACKAGE_KEY.exec(key) ?? [];
    if (id === undefined || name === undefined || version === undefined) {
      throw new SyntaxError(`Cannot read deno.lock: "${key}" is no package with version`);
    }
    const isForLinux = used.has(key) || (packages.get(id)?.isForLinux ?? false);
    packages.set(id, { name, version, isForLinux });
  }
  return [...packages.values()];
}

function parseLock(text: string): LockFile {
  try {
    return LockFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new SyntaxError(
      'Cannot read deno.lock: it is no lock file of Deno 2; "deno cache mod.ts" makes one',
      { cause },
    );
  }
}

/** Whether a list of systems has this one, or a list of excluded systems lacks it. */
const supports = (list: readonly string[], here: string) =>
  list.includes(here) ||
  list.every((system) => system.startsWith("!") && system !== `!${here}`);

/** The packages that Linux needs, found by following dependencies. */
function usedOnLinux({ specifiers, npm }: LockFile): Set<string> {
  const onlyVersion = new Map(
    Object.keys(npm).map((key) => [PACKAGE_KEY.exec(key)?.[1] ?? key, key]),
  );
  const used = new Set<string>();
  const visit = (dependency: string) => {
    const key = dependency in npm ? dependency : onlyVersion.get(dependency);
    const entry = key === undefined ? undefined : npm[key];
    if (key === undefined || entry === undefined || used.has(key)) return;
    if (!supports(entry.os, "linux") || !supports(entry.cpu, "x64")) return;
    used.add(key);
    for (const next of [...entry.dependencies, ...entry.optionalDependencies]) {
      visit(next);
    }
  };
  for (const [specifier, version] of Object.entries(specifiers)) {
    const name = PACKAGE_KEY.exec(specifier.replace(/^npm:/, ""))?.[1];
    visit(`${name}@${version}`);
  }
  return used;
}
