/** Checkpoints on disk; see `checkpoint.ts`. @module */
import { writeAtomic } from "../io/write_atomic.ts";
import {
  type Checkpoint,
  checkpointChunks,
  type CheckpointMetadata,
  parseCheckpoint,
  parseEngine,
} from "./checkpoint.ts";
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
  return parseCheckpoint(await readSafetensors(path), path, log);
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
