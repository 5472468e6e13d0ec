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

const taught = (lookAhead: unknown, teacher: unknown = COMMON.teacher) => ({
  name: "mean-teacher",
  ...{ lookAhead, teacher },
  perturbation: { name: "cutmix" },
  entropyFilter: { percent: 80 },
});

const consistent = (lookAhead: unknown) => ({
  name: "weak-to-strong",
  lookAhead,
  teacher: COMMON.teacher,
  threshold: COMMON.pseudoLabel.threshold,
});

const ADAPTIVE = { depth: 3, agreement: 0.98 };

/** Four updates in one, as many as an iteration of K = 3 has, without looking ahead. */
const FAST = { momentum: COMMON.teacher.momentum ** 4 };

/** Those for few labels. */
const SEMI: Readonly<Record<string, unknown>> = {
  "supervised": { name: "supervised" },
  "mean teacher": taught(null),
  "mean teacher, four times as fast": taught(null, FAST),
  "mean teacher, FST-D K=3": taught({ depth: 3 }),
  "mean teacher, FST-D adaptive": taught(ADAPTIVE),
  "weak to strong": consistent(null),
  "weak to strong, FST-D K=3": consistent({ depth: 3 }),
  "weak to strong, FST-D adaptive": consistent(ADAPTIVE),
};

/** Methods that are compared with each other. */
export interface Track {
  readonly methods: Readonly<Record<string, unknown>>;
  /** In whose iterations costs are counted. */
  readonly reference: string;
  /** Whose time all get. */
  readonly pacemaker: string;
  /** What trains the start of those that begin with a trained network. */
  readonly start: string;
  /** The name of the configuration, without folder and ending. */
  readonly config: string;
}

/** By the task. */
export const TRACKS = {
  adaptation: {
    methods: METHODS,
    reference: "self-training",
    pacemaker: "FST-D K=3",
    start: "source-only",
    config: "street_self_training",
  },
  semi: {
    methods: SEMI,
    reference: "mean teacher",
    pacemaker: "mean teacher, FST-D K=3",
    start: "supervised",
    config: "street_semi_mean_teacher",
  },
} as const satisfies Readonly<Record<string, Track>>;

/** The same run with another method; what the method does not say has its default. */
export function withMethod(config: RunConfig, name: string): RunConfig {
  const known = { ...METHODS, ...SEMI };
  const method = known[name];
  if (method === undefined) {
    throw new RangeError(
      `Cannot compare "${name}": known are ${Object.keys(known).join(", ")}`,
    );
  }
  return readConfig(JSON.stringify({ ...config, method }), name);
}
