/** What memory is used for: what is kept, and what has only not been collected yet. @module */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Bytes that the main thread keeps after a collection, in and beside its heap. */
export function heapBytes(): number {
  setFlagsFromString("--expose-gc"); // contexts made from now on have a collector
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/** Resident memory of the process while something goes on. */
export interface ResidentWatch {
  /** The most that was seen, in bytes. */
  stop(): number;
}

/** Looks at resident memory, again and again. */
export function watchResident(): ResidentWatch {
  let peak = Deno.memoryUsage().rss;
  const sample = () => peak = Math.max(peak, Deno.memoryUsage().rss);
  const INTERVAL = 20; // in milliseconds
  const timer = setInterval(sample, INTERVAL);
  return {
    stop() {
      clearInterval(timer);
      sample();
      return peak;
    },
  };
}
