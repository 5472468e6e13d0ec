/** The archives of a pack. @module */
import { dirname, join } from "node:path";

/** A file of a pack: a file of this machine, or a text made for the pack. */
export type PackedFile =
  & {
    /** Its path below the folder of the unpacked pack, with slashes. */
    readonly to: string;
  }
  & ({
    /** An absolute path; a link is followed. */
    readonly from: string;
  } | { readonly text: string });

/** The contents of an archive. */
export interface ArchiveContents {
  /** Of the archive, without its ending. */
  readonly name: string;
  readonly files: readonly PackedFile[];
}

/** An archive that was made. */
export interface ArchiveSize {
  /** The archive's own name. */
  readonly file: string;
  readonly files: number;
  /** Of the archive. */
  readonly bytes: number;
  /** Of what is in it. */
  readonly unpackedBytes: number;
}

/**
 * Lists the files of a folder and of the folders in it, without links to folders.
 *
 * @param isWanted Given the path below `folder`, with slashes; a folder's ends with one.
 * @returns Paths below `folder`, with slashes, sorted.
 */
export async function listFiles(
  folder: string,
  isWanted: (path: string) => boolean,
): Promise<string[]> {
  const found: string[] = [];
  const walk = async (below: string) => {
    for await (const { name, isDirectory, isFile } of Deno.readDir(join(folder, below))) {
      const path = below + name;
      if (isFile && isWanted(path)) found.push(path);
      if (isDirectory && isWanted(`${path}/`)) await walk(`${path}/`);
    }
  };
  await walk("");
  return found.sort();
}

/**
 * Stages the files of an archive in a folder: links to existing files, and texts as
 * files.
 *
 * @param folder Created; the archiver follows its links.
 * @returns Bytes of all files.
 */
async function stageFiles(
  files: readonly PackedFile[],
  folder: string,
): Promise<number> {
  let bytes = 0;
  await Deno.mkdir(folder, { recursive: true });
  for (const file of files) {
    const path = join(folder, file.to);
    await Deno.mkdir(dirname(path), { recursive: true });
    if ("text" in file) await Deno.writeTextFile(path, file.text);
    else await Deno.symlink(file.from, path);
    bytes += (await Deno.stat(path)).size;
  }
  return bytes;
}

/**
 * Creates an archive; equal files give equal bytes.
 *
 * @param workFolder The folder of the archive and of temporary files.
 * @param compressor A command line of gzip or xz.
 * @throws {Error} If tar or the compressor fails.
 */
export async function createArchive(
  { name, files }: ArchiveContents,
  workFolder: string,
  compressor: string,
): Promise<ArchiveSize> {
  const stagingFolder = join(workFolder, name);
  const file = `${name}.tar.${compressor.startsWith("xz") ? "xz" : "gz"}`;
  const unpackedBytes = await stageFiles(files, stagingFolder);
  const { success, stderr } = await new Deno.Command("tar", {
    args: [
      "--create",
      `--file=${join(workFolder, file)}`,
      `--use-compress-program=${compressor}`,
      `--directory=${stagingFolder}`,
      "--dereference",
      "--hard-dereference",
      "--sort=name",
      "--mtime=@0",
      "--owner=0",
      "--group=0",
      "--numeric-owner",
      "--mode=u+rw,go+r,go-w",
      ".",
    ],
    // Deno passes LD_LIBRARY_PATH on only with the permission to run everything.
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "" },
  }).output();
  if (!success) {
    const reason = new TextDecoder().decode(stderr).trim();
    throw new Error(`Cannot pack "${name}": ${reason}`);
  }
  await Deno.remove(stagingFolder, { recursive: true });
  const { size: bytes } = await Deno.stat(join(workFolder, file));
  return { file, files: files.length, bytes, unpackedBytes };
}
