/** The methods that benchmarks compare, as configurations of one run. @module */
import { readConfig } from "../src/config/read.ts";
import type { RunConfig } from "../src/config/schema.ts";

/** What every self-training method here has in common. */
const COMMON = {
  teacher: { momentum: 0.99 },
  pseudoLabel: { threshold: 0.8 },
} as const;

const ahead = (depth: number, width: number) => ({
  name: "future-self-training",
  depth,
  width,
  ...COMMON,
});

/** Method sections by the name they have in tables, in the order of the tables. */
export const METHODS: Readonly<Record<string, unknown>> = {
  "source-only": { name: "source-only", teacher: COMMON.teacher },
  "self-training": { name: "self-training", ...COMMON },
  "FST-D K=1": ahead(1, 1),
  "FST-D K=3": ahead(3, 1),
  "FST-W N=3": ahead(1, 3),
  "K=2 × N=2": ahead(2, 2),
};

/** The same run with another method; what the method does not say has its default. */
export function withMethod(config: RunConfig, name: string): RunConfig {
  const method = METHODS[name];
  if (method === undefined) {
    throw new RangeError(
      `Cannot compare "${name}": known are ${Object.keys(METHODS).join(", ")}`,
    );
  }
  return readConfig(JSON.stringify({ ...config, method }), name);
}
