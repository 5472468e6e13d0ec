/** Parts of a pack as files. @module */
import { join } from "node:path";
import { layOut, type Part } from "./part.ts";

/** An archive of a pack. */
export interface PartSize {
  /** The archive's own name. */
  readonly file: string;
  readonly files: number;
  /** Of the archive. */
  readonly bytes: number;
  /** Of what is in it. */
  readonly unpackedBytes: number;
}

/**
 * Archives a part; the same files give the same bytes.
 *
 * @param work A folder for the archive, and for what is only needed to make it.
 * @param compressor A command line of gzip or xz.
 * @throws {Error} If tar or the compressor fails.
 */
export async function archive(
  part: Part,
  work: string,
  compressor: string,
): Promise<PartSize> {
  const stage = join(work, part.name);
  const file = `${part.name}.tar.${compressor.startsWith("xz") ? "xz" : "gz"}`;
  const unpackedBytes = await layOut(part, stage);
  const { success, stderr } = await new Deno.Command("tar", {
    args: [
      "--create",
      `--file=${join(work, file)}`,
      `--use-compress-program=${compressor}`,
      `--directory=${stage}`,
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
    // Deno passes LD_LIBRARY_PATH on only to those who may run everything.
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "" },
  }).output();
  if (!success) {
    throw new Error(
      `Cannot pack "${part.name}": ${new TextDecoder().decode(stderr).trim()}`,
    );
  }
  await Deno.remove(stage, { recursive: true });
  const { size: bytes } = await Deno.stat(join(work, file));
  return { file, files: part.files.length, bytes, unpackedBytes };
}
