import type { Communicator } from "../../src/core/ranks.ts";

/** One of several ranks in this process, where all others give what it gives. */
export function likeRanks(rank: number, size: number): Communicator {
  const communicator: Communicator = {
    rank,
    size,
    sum(values) {
      values.forEach((value, i) => values[i] = size * value);
    },
    sumAsync: (values) => Promise.resolve(communicator.sum(values)),
    gather: (values) =>
      Float32Array.from(Array.from({ length: size }, () => [...values]).flat()),
    gatherAsync: (values) => Promise.resolve(communicator.gather(values)),
    broadcast: (bytes) => Promise.resolve(bytes ?? new TextEncoder().encode("null")),
    split: () => likeRanks(rank % 2, size / 2),
  };
  return communicator;
}
