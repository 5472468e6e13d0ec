/** The packages that a lock file names. @module */
import { z } from "../../core/zod.ts";

/** Other packages: `name` where there is one version of it, else `name@version`. */
const Needs = z.array(z.string()).default([]);

const Lock = z.object({
  specifiers: z.record(z.string(), z.string()),
  npm: z.record(
    z.string(),
    z.object({
      dependencies: Needs,
      optionalDependencies: Needs,
      os: z.array(z.string()).default(["linux"]),
      cpu: z.array(z.string()).default(["x64"]),
    }),
  ),
});
type Lock = z.output<typeof Lock>;

/** `@scope/name@1.2.3_peer@4.5.6`: a package, its version, and the peers it got. */
const LOCKED = /^((?:@[^/@]+\/)?[^@]+)@([^_]+)/;

/** One version of a package. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** Whether Linux x86-64 has use for it. */
  readonly isForLinux: boolean;
}

/**
 * Reads which versions of which packages a project is locked to, each once.
 *
 * @param text A deno.lock, version 5.
 * @throws {SyntaxError} If it is none.
 */
export function lockedPackages(text: string): LockedPackage[] {
  const lock = read(text);
  const used = usedOnLinux(lock);
  const packages = new Map<string, LockedPackage>();
  for (const key of Object.keys(lock.npm)) {
    const [id, name, version] = LOCKED.exec(key) ?? [];
    if (id === undefined || name === undefined || version === undefined) {
      throw new SyntaxError(`Cannot read deno.lock: "${key}" is no package with version`);
    }
    const isForLinux = used.has(key) || (packages.get(id)?.isForLinux ?? false);
    packages.set(id, { name, version, isForLinux });
  }
  return [...packages.values()];
}

function read(text: string): Lock {
  try {
    return Lock.parse(JSON.parse(text));
  } catch (cause) {
    throw new SyntaxError(
      'Cannot read deno.lock: it is no lock file of Deno 2; "deno cache mod.ts" makes one',
      { cause },
    );
  }
}

/** Whether a list of systems has this one, or of systems that are not meant, has not. */
const allows = (list: readonly string[], here: string) =>
  list.includes(here) ||
  list.every((system) => system.startsWith("!") && system !== `!${here}`);

/** Follows what is imported; a package of another system leads no further. */
function usedOnLinux({ specifiers, npm }: Lock): Set<string> {
  const onlyVersion = new Map(
    Object.keys(npm).map((key) => [LOCKED.exec(key)?.[1] ?? key, key]),
  );
  const used = new Set<string>();
  const visit = (need: string) => {
    const key = need in npm ? need : onlyVersion.get(need);
    const entry = key === undefined ? undefined : npm[key];
    if (key === undefined || entry === undefined || used.has(key)) return;
    if (!allows(entry.os, "linux") || !allows(entry.cpu, "x64")) return;
    used.add(key);
    for (const next of [...entry.dependencies, ...entry.optionalDependencies]) {
      visit(next);
    }
  };
  for (const [specifier, version] of Object.entries(specifiers)) {
    const name = LOCKED.exec(specifier.replace(/^npm:/, ""))?.[1];
    visit(`${name}@${version}`);
  }
  return used;
}
