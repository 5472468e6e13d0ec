/** What this process exchanges with other ranks, counted and timed. @module */
import process from "node:process";
import type { Communicator } from "../../src/core/ranks.ts";

/** One message of an iteration. */
export interface Message {
  readonly kind: "sum" | "gather" | "broadcast";
  /** Those that a rank gives. */
  readonly bytes: number;
}

/** A message that has been exchanged. */
export interface Exchange extends Message {
  /** Until it was done, with waiting for ranks that came to it later. */
  readonly seconds: number;
  /** Of the processor, which a rank that waits in MPI keeps busy; 0 where other code goes on. */
  readonly cpuSeconds: number;
}

/** Ranks whose exchanges are counted. */
export interface ExchangeMeter extends Communicator {
  /** All exchanges since the last call. */
  take(): readonly Exchange[];
}

/** Seconds of the processor that this process has taken so far. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage(); // in microseconds
  return (user + system) / 1e6;
}

/** Counts what goes through a communicator, to be used in place of it. */
export function openExchangeMeter(ranks: Communicator): ExchangeMeter {
  let exchanges: Exchange[] = [];
  const blocking = <T>(
    kind: Message["kind"],
    { byteLength: bytes }: ArrayBufferView,
    exchange: () => T,
  ): T => {
    const [from, cpuFrom] = [performance.now(), cpuSeconds()];
    const result = exchange();
    const seconds = (performance.now() - from) / 1000;
    exchanges.push({ kind, bytes, seconds, cpuSeconds: cpuSeconds() - cpuFrom });
    return result;
  };
  const awaited = async <T>(
    kind: Message["kind"],
    bytes: number,
    exchange: Promise<T>,
  ): Promise<T> => {
    const from = performance.now();
    const result = await exchange;
    const seconds = (performance.now() - from) / 1000;
    exchanges.push({ kind, bytes, seconds, cpuSeconds: 0 });
    return result;
  };
  return {
    ...ranks,
    sum: (values) => blocking("sum", values, () => ranks.sum(values)),
    gather: (values) => blocking("gather", values, () => ranks.gather(values)),
    sumAsync: (values) => awaited("sum", values.byteLength, ranks.sumAsync(values)),
    gatherAsync: (values) =>
      awaited("gather", values.byteLength, ranks.gatherAsync(values)),
    broadcast: (bytes) =>
      awaited("broadcast", bytes?.byteLength ?? 0, ranks.broadcast(bytes)),
    take() {
      const taken = exchanges;
      exchanges = [];
      return taken;
    },
  };
}
