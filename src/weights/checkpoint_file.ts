/** Checkpoints on disk; see `checkpoint.ts`. @module */
import { openRandomAccessFile } from "../io/random_access_file.ts";
import { writeAtomic } from "../io/write_atomic.ts";
import {
  type Checkpoint,
  checkpointChunks,
  type CheckpointMetadata,
  parseCheckpoint,
  parseEngine,
} from "./checkpoint.ts";
import { detectFormat } from "./detect_format.ts";
import { readSafetensors, readSafetensorsMetadata } from "./safetensors_file.ts";

/**
 * Writes a checkpoint; an older one of the same name stays until the new one is complete.
 *
 * @param path The folder must exist.
 * @throws {Error} As {@linkcode writeAtomic}.
 */
export async function saveCheckpoint(
  path: string,
  checkpoint: Checkpoint,
): Promise<void> {
  await writeAtomic(path, checkpointChunks(checkpoint));
}

/**
 * Reads a checkpoint, also one of version 1.
 *
 * @param log Called with a sentence if the file has version 1.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError} If it is not a complete safetensors file, was not written by
 * {@linkcode saveCheckpoint} or was written by a later version.
 */
export async function loadCheckpoint(
  path: string,
  log: (line: string) => void = () => {},
): Promise<Checkpoint> {
  const file = await readSafetensors(path).catch(async (error) => {
    if (!await isTorchFile(path)) throw error;
    throw new SyntaxError(
      `Cannot use "${path}" as a checkpoint: it is a file of PyTorch; make it one with ` +
        "deno task convert --config",
    );
  });
  return parseCheckpoint(file, path, log);
}

/** Whether there is a file whose first bytes are those of PyTorch's files. */
async function isTorchFile(path: string): Promise<boolean> {
  try {
    await using file = await openRandomAccessFile(path);
    return (await detectFormat(file)).startsWith("torch");
  } catch {
    return false; // the caller has an error to throw
  }
}

/**
 * What computed a checkpoint; its tensors are not read.
 *
 * @returns Null if there is no such file, or it does not say.
 */
export async function readCheckpointEngine(
  path: string,
): Promise<NonNullable<CheckpointMetadata["engine"]> | null> {
  return parseEngine(await readSafetensorsMetadata(path));
}
