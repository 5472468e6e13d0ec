/** Makes a folder from which tasks run on another machine without a network. @module */
import { join, resolve } from "node:path";
import {
  type ArchiveContents,
  type ArchiveSize,
  createArchive,
  listFiles,
  type PackedFile,
} from "./archive.ts";
import { npmFiles } from "./npm_files.ts";
import { bundleLibrary, SHIPPED_BUNDLE } from "../page/bundle.ts";
import { vulkanFiles, xzFiles } from "./system_files.ts";

/** The largest size of a pack, in bytes. */
export const MAX_PACK_BYTES = 60e6;

const TARGET = "x86_64-unknown-linux-gnu";

/** What a task may read; data, runs and packs in the same folder are excluded. */
const PROJECT_PATHS = new Set([
  "LICENSE",
  "README.md",
  "bench/",
  "browser.ts",
  "config.ts",
  "configs/",
  "deno.json",
  "deno.lock",
  "docs/",
  "eval.ts",
  "examples/",
  "mod.ts",
  "nn.ts",
  "src/",
  "tasks/",
  "tests/",
  "tools/",
  "weights.ts",
]);

/** How to pack. */
export interface PackOptions {
  /** The folder of deno.json. */
  readonly root: string;
  /** The folder of the pack; an earlier pack there is replaced. */
  readonly out: string;
  /** Of xz, 0 (fast) … 9 (small). */
  readonly compressionLevel: number;
  readonly includeVulkan: boolean;
  readonly includeProject: boolean;
  /** Called with what is being done. */
  readonly log: (line: string) => void;
}

/** A pack that was made. */
export interface Pack {
  readonly out: string;
  /** Names its contents. */
  readonly id: string;
  /** Version of the packed Deno. */
  readonly deno: string;
  /** Of the whole folder. */
  readonly bytes: number;
  readonly archives: readonly ArchiveSize[];
}

/**
 * Packs Deno, the npm cache, the Vulkan loader and the project.
 *
 * @throws {RangeError} If a value, the folder or this system is unsuitable.
 * @throws {Error} If something is missing here, or the pack is too large.
 */
export async function makePack(options: PackOptions): Promise<Pack> {
  const { out, compressionLevel, log } = options;
  assertSystem();
  if (compressionLevel > 9) {
    throw new RangeError(
      `Cannot pack: "level" must be 0 to 9: received ${compressionLevel}`,
    );
  }
  await assertReplaceable(out);
  const archives = await archivesOf(options);
  const workFolder = join(out, ".partial");
  await Deno.remove(workFolder, { recursive: true }).catch(() => {}); // left by a crash
  await Deno.mkdir(workFolder, { recursive: true });
  try {
    const sizes: ArchiveSize[] = [];
    for (const { compressor, ...contents } of archives) {
      log(`packing ${contents.name}`);
      sizes.push(await createArchive(contents, workFolder, compressor));
    }
    return await publishPack(out, workFolder, sizes);
  } finally {
    await Deno.remove(workFolder, { recursive: true });
  }
}

function assertSystem(): void {
  if (Deno.build.target === TARGET) return;
  throw new RangeError(
    `Cannot pack on ${Deno.build.target}: a pack takes along this machine's own Deno and ` +
      "libraries, for Linux x86-64; run it there",
  );
}

/** Asserts that a folder is empty or a pack. */
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

async function archivesOf(
  { root, compressionLevel, includeVulkan, includeProject }: PackOptions,
): Promise<(ArchiveContents & { readonly compressor: string })[]> {
  const xz = `xz -${compressionLevel} -T0`;
  const lock = await Deno.readTextFile(join(root, "deno.lock"));
  const archives = [
    { name: "xz", files: await xzFiles(), compressor: "gzip -9" },
    {
      name: "deno",
      files: [{ from: Deno.execPath(), to: "bin/deno" }],
      compressor: xz,
    },
    { name: "npm", files: await npmFiles(lock, denoCacheFolder()), compressor: xz },
  ];
  if (includeVulkan) {
    archives.push({ name: "vulkan", files: await vulkanFiles(), compressor: xz });
  }
  if (includeProject) {
    archives.push({ name: "fst", files: await projectFiles(root), compressor: xz });
  }
  return archives;
}

/**
 * The files of the project in `root`, the folder of deno.json, and its bundle for pages,
 * which could not be made without a network.
 */
async function projectFiles(root: string): Promise<PackedFile[]> {
  const paths = await listFiles(root, (path) => {
    const isTop = !path.slice(0, -1).includes("/");
    return isTop ? PROJECT_PATHS.has(path) : !/\/(?:\.|node_modules\/$)/.test(path);
  });
  const bundle = new TextDecoder().decode(await bundleLibrary());
  return [
    ...paths.map((path) => ({ from: join(root, path), to: `fst/${path}` })),
    { text: bundle, to: `fst/${SHIPPED_BUNDLE}` },
  ];
}

/** Deno's cache folder; see `deno info`. */
function denoCacheFolder(): string {
  const { DENO_DIR, XDG_CACHE_HOME, HOME = "/" } = Deno.env.toObject();
  if (DENO_DIR) return resolve(DENO_DIR);
  return XDG_CACHE_HOME ? join(XDG_CACHE_HOME, "deno") : join(HOME, ".cache", "deno");
}

/** Moves the archives to their final names; the script that refers to them is last. */
async function publishPack(
  out: string,
  workFolder: string,
  archives: readonly ArchiveSize[],
): Promise<Pack> {
  const id = await contentHash(archives.map(({ file }) => join(workFolder, file)));
  const template = await Deno.readTextFile(new URL("./run.sh", import.meta.url));
  const script = template.replace("@ID@", id);
  const archiveBytes = archives.reduce((sum, archive) => sum + archive.bytes, 0);
  const bytes = archiveBytes + new TextEncoder().encode(script).length;
  if (bytes > MAX_PACK_BYTES) {
    throw new Error(
      `Cannot keep the pack below ${MAX_PACK_BYTES / 1e6} MB: it has ` +
        `${(bytes / 1e6).toFixed(1)} MB; use "--level 9" or "--without-project"`,
    );
  }
  const pack: Pack = { out, id, deno: Deno.version.deno, bytes, archives };
  await Deno.writeTextFile(
    join(workFolder, "pack.json"),
    `${JSON.stringify(pack, null, 2)}\n`,
  );
  await Deno.writeTextFile(join(workFolder, "run.sh"), script, { mode: 0o755 });
  for await (const { name } of Deno.readDir(out)) { // what only the earlier pack had
    if (/^(?:vulkan|fst)\.tar\.xz$/.test(name)) await Deno.remove(join(out, name));
  }
  for (const name of [...archives.map(({ file }) => file), "pack.json", "run.sh"]) {
    await Deno.rename(join(workFolder, name), join(out, name));
  }
  return pack;
}

async function contentHash(files: readonly string[]): Promise<string> {
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
