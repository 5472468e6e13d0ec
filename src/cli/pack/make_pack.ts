/** Makes a folder with which tasks run elsewhere, without a network. @module */
import { join, resolve } from "node:path";
import { archive, type PartSize } from "./archive.ts";
import { npmFiles } from "./npm_cache.ts";
import type { Part } from "./part.ts";
import { projectFiles } from "./project_files.ts";
import { vulkanFiles, xzFiles } from "./system_files.ts";

/** The most that a pack may have, in bytes. */
export const MOST_BYTES = 60e6;

const TARGET = "x86_64-unknown-linux-gnu";

/** How to pack. */
export interface PackOptions {
  /** The folder of deno.json. */
  readonly root: string;
  /** The folder of the pack; an earlier pack there is replaced. */
  readonly out: string;
  /** Of xz, 0 (fast) … 9 (small). */
  readonly level: number;
  readonly hasVulkan: boolean;
  readonly hasProject: boolean;
  /** Told what is being done. */
  readonly log: (line: string) => void;
}

/** What a pack has become. */
export interface Pack {
  readonly out: string;
  /** Names its contents. */
  readonly id: string;
  /** Version of the packed Deno. */
  readonly deno: string;
  /** Of the whole folder. */
  readonly bytes: number;
  readonly parts: readonly PartSize[];
}

/**
 * Packs Deno, the npm cache, the Vulkan loader and the project.
 *
 * @throws {RangeError} If a value, the folder or this system will not do.
 * @throws {Error} If something is missing here, or the pack is too large.
 */
export async function makePack(options: PackOptions): Promise<Pack> {
  const { out, level, log } = options;
  assertSystem();
  if (level > 9) {
    throw new RangeError(`Cannot pack: "level" must be 0 to 9: received ${level}`);
  }
  await assertReplaceable(out);
  const parts = await partsOf(options);
  const work = join(out, ".partial");
  await Deno.remove(work, { recursive: true }).catch(() => {}); // of a crash
  await Deno.mkdir(work, { recursive: true });
  try {
    const sizes: PartSize[] = [];
    for (const { compressor, ...part } of parts) {
      log(`packing ${part.name}`);
      sizes.push(await archive(part, work, compressor));
    }
    return await finish(out, work, sizes);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

function assertSystem(): void {
  if (Deno.build.target === TARGET) return;
  throw new RangeError(
    `Cannot pack on ${Deno.build.target}: a pack takes along this machine's own Deno and ` +
      "libraries, for Linux x86-64; run it there",
  );
}

/** A folder that holds anything but a pack stays as it is. */
async function assertReplaceable(out: string): Promise<void> {
  let names: string[] = [];
  try {
    names = (await Array.fromAsync(Deno.readDir(out))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotADirectory) names = [out];
    else if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  if (names.length === 0 || names.includes("pack.json") || names.includes(".partial")) {
    return;
  }
  throw new RangeError(
    `Cannot pack into "${out}": it holds other files; choose another folder with "--out"`,
  );
}

async function partsOf(
  { root, level, hasVulkan, hasProject }: PackOptions,
): Promise<(Part & { readonly compressor: string })[]> {
  const xz = `xz -${level} -T0`;
  const lock = await Deno.readTextFile(join(root, "deno.lock"));
  const parts = [
    { name: "xz", files: await xzFiles(), compressor: "gzip -9" },
    {
      name: "deno",
      files: [{ from: Deno.execPath(), to: "bin/deno" }],
      compressor: xz,
    },
    { name: "npm", files: await npmFiles(lock, denoFolder()), compressor: xz },
  ];
  if (hasVulkan) {
    parts.push({ name: "vulkan", files: await vulkanFiles(), compressor: xz });
  }
  if (hasProject) {
    parts.push({ name: "fst", files: await projectFiles(root), compressor: xz });
  }
  return parts;
}

/** Deno's cache folder; see `deno info`. */
function denoFolder(): string {
  const { DENO_DIR, XDG_CACHE_HOME, HOME = "/" } = Deno.env.toObject();
  if (DENO_DIR) return resolve(DENO_DIR);
  return XDG_CACHE_HOME ? join(XDG_CACHE_HOME, "deno") : join(HOME, ".cache", "deno");
}

/** Puts the archives in their place, the script that names them last. */
async function finish(
  out: string,
  work: string,
  parts: readonly PartSize[],
): Promise<Pack> {
  const id = await nameOf(parts.map(({ file }) => join(work, file)));
  const template = await Deno.readTextFile(new URL("./run.sh", import.meta.url));
  const script = template.replace("@ID@", id);
  const size = (bytes: number, part: PartSize) => bytes + part.bytes;
  const bytes = parts.reduce(size, 0) + new TextEncoder().encode(script).length;
  if (bytes > MOST_BYTES) {
    throw new Error(
      `Cannot keep the pack below ${MOST_BYTES / 1e6} MB: it has ` +
        `${(bytes / 1e6).toFixed(1)} MB; use "--level 9" or "--without-project"`,
    );
  }
  const pack: Pack = { out, id, deno: Deno.version.deno, bytes, parts };
  await Deno.writeTextFile(join(work, "pack.json"), `${JSON.stringify(pack, null, 2)}\n`);
  await Deno.writeTextFile(join(work, "run.sh"), script, { mode: 0o755 });
  for await (const { name } of Deno.readDir(out)) { // what the earlier pack had besides
    if (/^(?:vulkan|fst)\.tar\.xz$/.test(name)) await Deno.remove(join(out, name));
  }
  for (const name of [...parts.map(({ file }) => file), "pack.json", "run.sh"]) {
    await Deno.rename(join(work, name), join(out, name));
  }
  return pack;
}

async function nameOf(files: readonly string[]): Promise<string> {
  const digests: string[] = [];
  for (const file of files) {
    const bytes = await Deno.readFile(file);
    digests.push(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex());
  }
  const all = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(digests.join()),
  );
  return new Uint8Array(all).toHex().slice(0, 12);
}
