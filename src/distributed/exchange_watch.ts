/**
 * What two threads know of the exchange that goes on: one carries it out, another sees how
 * long it takes.
 *
 * @module
 */

// Places in the memory that they share.
const PLACE = {
  /** The number of the present exchange; 0: none. */
  exchange: 0,
  /** Its index among {@linkcode EXCHANGES}. */
  name: 1,
  count: 2,
  /** 1: the first thread waits in it. */
  blocking: 3,
  /** Counts up as long as the first thread comes to its timers. */
  pulse: 4,
} as const;

// As they are reported.
const EXCHANGES = {
  start: () => "the start of MPI",
  sum: (count: number) => `a sum of ${count} values`,
  gather: (count: number) => `a gather of ${count} values`,
  broadcast: (count: number) => `a broadcast of ${count} bytes`,
  split: () => "a split into groups",
  end: () => "the end of MPI",
} as const;

/** What can be waited for. */
export type ExchangeName = keyof typeof EXCHANGES;

const NAMES = Object.keys(EXCHANGES) as readonly ExchangeName[];

/** Whether a thread waits in an exchange, or goes on beside it. */
export type ExchangeWay = "blocking" | "beside";

/** Memory for one exchange at a time. */
export function createWatchMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(4 * Object.keys(PLACE).length);
}

/** The side of the thread that carries exchanges out. */
export interface ExchangeMarks {
  /** @param count How many values this rank gives. */
  begin(name: ExchangeName, count: number, way: ExchangeWay): void;
  end(): void;
  /** Called now and then by a timer: the thread does not compute without a break. */
  pulse(): void;
}

/** Marks exchanges in memory that another thread watches. */
export function createExchangeMarks(memory: SharedArrayBuffer): ExchangeMarks {
  const places = new Int32Array(memory);
  let exchanges = 0;
  return {
    begin(name, count, way) {
      places[PLACE.name] = NAMES.indexOf(name);
      places[PLACE.count] = count;
      places[PLACE.blocking] = way === "blocking" ? 1 : 0;
      exchanges = exchanges % 0x7fff_ffff + 1;
      Atomics.store(places, PLACE.exchange, exchanges);
    },
    end: () => void Atomics.store(places, PLACE.exchange, 0),
    pulse: () => void Atomics.add(places, PLACE.pulse, 1),
  };
}

/**
 * Makes a function that looks at the exchanges in a memory, to be called at intervals.
 *
 * @param limit Seconds that an exchange may take.
 * @param interval Seconds between looks. What is longer is not counted: the machine slept.
 * @returns From the seconds on any clock, the exchange that takes too long, as
 * "a sum of 25 values"; null: none does.
 */
export function createExchangeWatch(
  memory: SharedArrayBuffer,
  limit: number,
  interval: number,
): (seconds: number) => string | null {
  const places = new Int32Array(memory);
  let [exchange, pulse, waited, before] = [0, 0, 0, -Infinity];
  return (seconds) => {
    const last = { exchange, pulse };
    exchange = Atomics.load(places, PLACE.exchange);
    pulse = Atomics.load(places, PLACE.pulse);
    // Beside a thread that computes without a break an exchange may have ended long ago.
    const isWaiting = places[PLACE.blocking] === 1 || pulse !== last.pulse;
    const elapsed = Math.min(seconds - before, 2 * interval);
    before = seconds;
    if (exchange === 0 || exchange !== last.exchange) waited = 0;
    else if (isWaiting) waited += elapsed;
    if (waited < limit) return null;
    const name = NAMES[places[PLACE.name] ?? 0] ?? "sum";
    return EXCHANGES[name](places[PLACE.count] ?? 0);
  };
}
