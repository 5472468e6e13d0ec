/**
 * What ranks exchange, by MPI.
 *
 * MPI is called by one thread at a time: what goes on beside other code is a chain, each
 * exchange beginning when the one before it is done, and while one is pending nothing may
 * block. So all ranks that ask for the same exchanges in the same order also carry them out
 * in that order.
 *
 * @module
 */
import type { Communicator } from "../core/ranks.ts";
import type { ExchangeName } from "./exchange_watch.ts";
import type { HangGuard } from "./hang_guard.ts";
import type { MpiLibrary } from "./mpi_library.ts";

/** Bytes of one call: an exchange that takes long is many that do not. */
const CHUNK_BYTES = 64 * 2 ** 20;

/** A communicator of MPI. */
export interface MpiCommunicator extends Communicator {
  /** Texts of all ranks, in their order; they may differ in length. Blocks. */
  gatherTexts(text: string): string[];
  /** As that of a {@linkcode Communicator}. */
  split(group: number): MpiCommunicator;
}

/** Carries out exchanges of this process, one at a time. */
export interface ExchangeChain {
  /** Blocks until an exchange is done. */
  now(name: ExchangeName, count: number, call: () => number): void;
  /** Runs steps when all before are done. */
  later<T>(steps: (step: ExchangeStep) => Promise<T>): Promise<T>;
}

/** One exchange of a chain. */
type ExchangeStep = (
  name: ExchangeName,
  count: number,
  call: () => Promise<number>,
) => Promise<void>;

/** Makes the chain of this process. */
export function createExchangeChain(guard: HangGuard): ExchangeChain {
  let pending = 0;
  let tail: Promise<unknown> = Promise.resolve();
  const step: ExchangeStep = async (name, count, call) => {
    guard.begin(name, count, "beside");
    try {
      check(name, await call());
    } finally {
      guard.end();
    }
  };
  return {
    now(name, count, call) {
      if (pending > 0) {
        throw new Error(
          `Cannot begin a ${name} of ranks: another exchange is pending; await it first`,
        );
      }
      guard.begin(name, count, "blocking");
      try {
        check(name, call());
      } finally {
        guard.end();
      }
    },
    later(steps) {
      pending++;
      const done = tail.then(() => steps(step)).finally(() => pending--);
      tail = done.catch(() => {}); // who waits for it hears of it
      return done;
    },
  };
}

function check(name: ExchangeName, code: number): void {
  if (code !== 0) {
    throw new Error(`Cannot go on: the ${name} of ranks failed in MPI (code ${code})`);
  }
}

/** The communicator of a handle. */
export function createMpiCommunicator(
  { symbols, constants }: Pick<MpiLibrary, "symbols" | "constants">,
  handle: bigint,
  chain: ExchangeChain,
): MpiCommunicator {
  const { float, byte, sum, inPlace } = constants;
  const answer = new Int32Array(2);
  const ask = (call: (answer: Int32Array<ArrayBuffer>) => number): number => {
    check("start", call(answer));
    return answer[0] ?? 0;
  };
  const rank = ask((at) => symbols.MPI_Comm_rank(handle, at));
  const size = ask((at) => symbols.MPI_Comm_size(handle, at));

  const bytesOfAll = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
    const all = new Uint8Array(bytes.length * size);
    all.set(bytes, bytes.length * rank);
    chain.now(
      "gather",
      bytes.length,
      () => symbols.MPI_Allgather(inPlace, 0, byte, all, bytes.length, byte, handle),
    );
    return all;
  };

  return {
    rank,
    size,
    sum(values) {
      for (const part of chunksOf(values)) {
        chain.now(
          "sum",
          part.length,
          () => symbols.MPI_Allreduce(inPlace, part, part.length, float, sum, handle),
        );
      }
    },
    sumAsync: (values) =>
      chain.later(async (step) => {
        for (const part of chunksOf(values)) {
          await step("sum", part.length, () =>
            symbols.allreduceInThread(inPlace, part, part.length, float, sum, handle));
        }
      }),
    gather(values) {
      const gathered = createGathered(values, rank, size);
      for (const { count, all, keep } of gathered.parts) {
        chain.now(
          "gather",
          count,
          () => symbols.MPI_Allgather(inPlace, 0, float, all, count, float, handle),
        );
        keep();
      }
      return gathered.values;
    },
    gatherAsync: (values) =>
      chain.later(async (step) => {
        const gathered = createGathered(values, rank, size);
        for (const { count, all, keep } of gathered.parts) {
          await step("gather", count, () =>
            symbols.allgatherInThread(inPlace, 0, float, all, count, float, handle));
          keep();
        }
        return gathered.values;
      }),
    broadcast: (given) =>
      chain.later(async (step) => {
        if (rank === 0 && given === null) {
          throw new TypeError("Cannot broadcast: rank 0 has given no bytes");
        }
        const send = (part: Uint8Array<ArrayBuffer>) =>
          step("broadcast", part.length, () =>
            symbols.bcastInThread(part, part.length, byte, 0, handle));
        const length = new BigUint64Array([BigInt(given?.length ?? 0)]);
        await send(new Uint8Array(length.buffer));
        const bytes = rank === 0 && given !== null
          ? given
          : new Uint8Array(Number(length[0]));
        for (const part of chunksOf(bytes)) {
          await send(part);
        }
        return bytes;
      }),
    split(group) {
      const answer = new BigUint64Array(1);
      chain.now("split", 1, () => symbols.MPI_Comm_split(handle, group, rank, answer));
      const [part = 0n] = answer;
      return createMpiCommunicator({ symbols, constants }, part, chain);
    },
    gatherTexts(text) {
      const bytes = new TextEncoder().encode(text);
      const length = new Uint32Array([bytes.length]);
      const lengths = new Uint32Array(
        bytesOfAll(new Uint8Array(length.buffer)).buffer,
      );
      const longest = lengths.reduce((most, one) => Math.max(most, one), 1);
      const padded = new Uint8Array(longest);
      padded.set(bytes);
      const all = bytesOfAll(padded);
      return Array.from(
        lengths,
        (length, i) =>
          new TextDecoder().decode(all.subarray(i * longest, i * longest + length)),
      );
    },
  };
}

/** Gathered values, and the parts of a gather: each has an array for this part of all. */
function createGathered(own: Float32Array<ArrayBuffer>, rank: number, size: number) {
  const values = new Float32Array(own.length * size);
  function* parts() {
    let start = 0;
    for (const part of chunksOf(own, size)) {
      const count = part.length;
      const all = new Float32Array(count * size);
      all.set(part, count * rank);
      const at = start;
      const keep = () => {
        for (let i = 0; i < size; i++) {
          values.set(all.subarray(count * i, count * (i + 1)), own.length * i + at);
        }
      };
      yield { count, all, keep };
      start += count;
    }
  }
  return { values, parts: parts() };
}

type Values = Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** Views of all values, each of at most {@linkcode CHUNK_BYTES} on all ranks together. */
function* chunksOf<T extends Values>(values: T, ranks = 1): Generator<T> {
  const most = Math.ceil(CHUNK_BYTES / values.BYTES_PER_ELEMENT / ranks);
  for (let start = 0; start < values.length; start += most) {
    yield values.subarray(start, start + most) as T;
  }
}
