/** Whether all ranks still have the same bits. @module */
import { createHash } from "node:crypto";
import type { Communicator } from "../core/ranks.ts";

/**
 * Compares what all ranks should have alike, by its hash.
 *
 * @param name What it is, for example "weights".
 * @param arrays Their bytes, in the same order on all ranks.
 * @throws {Error} On all ranks, about the first one that differs from rank 0.
 */
export async function assertSameReplicas(
  ranks: Pick<Communicator, "size" | "gatherAsync">,
  name: string,
  arrays: Iterable<ArrayBufferView>,
): Promise<void> {
  const hash = createHash("sha256");
  for (const { buffer, byteOffset, byteLength } of arrays) {
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  const own = Float32Array.from(hash.digest()); // a byte each, exactly
  const all = await ranks.gatherAsync(own);
  for (let rank = 1; rank < ranks.size; rank++) {
    const hashOfRank = all.subarray(rank * own.length, (rank + 1) * own.length);
    if (hashOfRank.every((byte, i) => byte === all[i])) continue;
    throw new Error(
      `Cannot go on: the ${name} of rank ${rank} differ from those of rank 0, which must ` +
        "have the same bits: start again, to resume from the last checkpoint; if it " +
        `happens again, look for a fault in the memory or the driver of rank ${rank}`,
    );
  }
}
