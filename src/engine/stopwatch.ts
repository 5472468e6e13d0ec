/** Time per iteration, without evaluations and saving. @module */

/** Measures iterations; everything is in seconds. */
export interface Stopwatch {
  /** An iteration ended. */
  lap(): void;
  /** The iteration waited for its data. */
  waited(spent: number): void;
  /** What happened since the last lap is nobody's time. */
  skip(): void;
  /** Begins a new line of the log. */
  restart(): void;
  /** Mean of an iteration since the last line. */
  mean(): number;
  /** Share of that time in which iterations waited, 0 … 1. */
  waiting(): number;
  /** Mean of all iterations. */
  overall(): number;
}

/** Starts a stopwatch. */
export function stopwatch(): Stopwatch {
  let from = performance.now();
  let [seconds, laps, idle] = [0, 0, 0];
  let [allSeconds, allLaps] = [0, 0];
  const mean = (sum: number, count: number) => count === 0 ? 0 : sum / count;
  return {
    lap() {
      const spent = (performance.now() - from) / 1000;
      from = performance.now();
      [seconds, laps] = [seconds + spent, laps + 1];
      [allSeconds, allLaps] = [allSeconds + spent, allLaps + 1];
    },
    waited: (spent: number) => idle += spent,
    skip: () => from = performance.now(),
    restart: () => [seconds, laps, idle] = [0, 0, 0],
    mean: () => mean(seconds, laps),
    waiting: () => mean(idle, seconds),
    overall: () => mean(allSeconds, allLaps),
  };
}
