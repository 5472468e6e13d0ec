/** How long iterations take. @module */

/** Measures iterations; everything is in seconds. */
export interface ThroughputMeter {
  /** An iteration ended. */
  endIteration(): void;
  /** The iteration waited for its data. */
  addDataTime(spent: number): void;
  /** Leaves out the time since the last iteration ended. */
  excludeElapsed(): void;
  /** Begins a new line of the log. */
  startInterval(): void;
  /** Mean of an iteration since the last line. */
  secondsPerIteration(): number;
  /** Share of that time in which iterations waited, 0 … 1. */
  dataTimeShare(): number;
  /** Mean of all iterations. */
  overallSecondsPerIteration(): number;
}

/** Starts a throughput meter. */
export function createThroughputMeter(): ThroughputMeter {
  let from = performance.now();
  let [seconds, iterations, dataSeconds] = [0, 0, 0];
  let [allSeconds, allIterations] = [0, 0];
  const mean = (sum: number, count: number) => count === 0 ? 0 : sum / count;
  return {
    endIteration() {
      const spent = (performance.now() - from) / 1000;
      from = performance.now();
      [seconds, iterations] = [seconds + spent, iterations + 1];
      [allSeconds, allIterations] = [allSeconds + spent, allIterations + 1];
    },
    addDataTime: (spent: number) => dataSeconds += spent,
    excludeElapsed: () => from = performance.now(),
    startInterval: () => [seconds, iterations, dataSeconds] = [0, 0, 0],
    secondsPerIteration: () => mean(seconds, iterations),
    dataTimeShare: () => mean(dataSeconds, seconds),
    overallSecondsPerIteration: () => mean(allSeconds, allIterations),
  };
}
