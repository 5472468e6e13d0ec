/** Folders and files in tests. @module */
import { join } from "node:path";

/** Gives a new folder to `use`, and removes it. */
export async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "fst_" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The sorted names in a folder. */
export const namesIn = async (folder: string): Promise<string[]> =>
  (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();

/** The paths of all files below a folder whose names end so. @default TypeScript */
export async function* sourcesBelow(
  folder: string,
  ending = ".ts",
): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* sourcesBelow(path, ending);
    else if (name.endsWith(ending)) yield path;
  }
}

/** Whether a program succeeds. */
export const succeeds = async (command: string, ...args: string[]) =>
  (await new Deno.Command(command, { args, stderr: "null" }).output()).success;

/**
 * Gives a file system of so many KiB to `use`, and a function that makes it larger.
 *
 * @returns False, without a call, where mounting one is not allowed.
 */
export async function onTinyDisk(
  kibibytes: number,
  use: (folder: string, grow: (kibibytes: number) => Promise<boolean>) => Promise<void>,
): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const folder = await Deno.makeTempDir();
  const isMounted = await succeeds(
    ...["mount", "-t", "tmpfs", "-o", `size=${kibibytes}k`, "tmpfs", folder] as const,
  );
  try {
    if (isMounted) {
      await use(
        folder,
        (more) => succeeds("mount", "-o", `remount,size=${more}k`, folder),
      );
    }
  } finally {
    if (isMounted) await succeeds("umount", folder);
    await Deno.remove(folder);
  }
  return isMounted;
}
