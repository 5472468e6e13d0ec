/** The methods that benchmarks compare, as configurations of one run. @module */
import { parseConfig } from "../src/config/read.ts";
import type { RunConfig } from "../src/config/schema.ts";

/** What every self-training method here has in common. */
const COMMON_OPTIONS = {
  teacher: { emaDecay: 0.99 },
  pseudoLabel: { threshold: 0.8 },
} as const;

const fstMethod = (depth: number, width: number) => ({
  name: "self-training",
  lookAhead: { depth, width },
  ...COMMON_OPTIONS,
});

/** Method sections by the name they have in tables, in the order of the tables. */
export const METHODS: Readonly<Record<string, unknown>> = {
  "source-only": { name: "source-only", teacher: COMMON_OPTIONS.teacher },
  "self-training": { name: "self-training", ...COMMON_OPTIONS },
  "FST-D K=1": fstMethod(1, 1),
  "FST-D K=3": fstMethod(3, 1),
  "FST-W N=3": fstMethod(1, 3),
  "K=2 × N=2": fstMethod(2, 2),
};

/** Kinds of look-ahead, which `bench step` measures on their own. */
export const LOOK_AHEADS: Readonly<Record<string, unknown>> = Object.fromEntries(
  [
    ["momentum", 3],
    ["head", 1],
    ["head", 3],
    ["reuse", 1],
    ["reuse", 3],
  ].map(([by, depth]) => [
    `FST by ${by} K=${depth}`,
    { name: "self-training", lookAhead: { by, depth }, ...COMMON_OPTIONS },
  ]),
);

const meanTeacherMethod = (
  lookAhead: unknown,
  teacher: unknown = COMMON_OPTIONS.teacher,
) => ({
  name: "mean-teacher",
  ...{ lookAhead, teacher },
  perturbation: { name: "cutmix" },
  entropyFilter: { keepPercent: 80 },
});

const weakToStrongMethod = (lookAhead: unknown) => ({
  name: "weak-to-strong",
  lookAhead,
  teacher: COMMON_OPTIONS.teacher,
  confidenceThreshold: COMMON_OPTIONS.pseudoLabel.threshold,
});

const ADAPTIVE_LOOK_AHEAD = { depth: 3, agreement: 0.98 };

/** Four updates in one, as many as an iteration of K = 3 has, without looking ahead. */
const FAST_TEACHER = { emaDecay: COMMON_OPTIONS.teacher.emaDecay ** 4 };

/** Those for few labels. */
const SEMI_METHODS: Readonly<Record<string, unknown>> = {
  "supervised": { name: "supervised" },
  "mean teacher": meanTeacherMethod(null),
  "mean teacher, decay ^4": meanTeacherMethod(null, FAST_TEACHER),
  "mean teacher, FST-D K=3": meanTeacherMethod({ depth: 3 }),
  "mean teacher, FST-D adaptive": meanTeacherMethod(ADAPTIVE_LOOK_AHEAD),
  "weak to strong": weakToStrongMethod(null),
  "weak to strong, FST-D K=3": weakToStrongMethod({ depth: 3 }),
  "weak to strong, FST-D adaptive": weakToStrongMethod(ADAPTIVE_LOOK_AHEAD),
};

/** Methods that are compared with each other. */
export interface Track {
  readonly methods: Readonly<Record<string, unknown>>;
  /** In whose iterations costs are counted. */
  readonly costReference: string;
  /** Whose time all get. */
  readonly budgetMethod: string;
  /** What trains the start of those that begin with a trained network. */
  readonly pretrainMethod: string;
  /** The name of the configuration, without folder and ending. */
  readonly config: string;
}

/** By the task. */
export const TRACKS = {
  "domain-adaptation": {
    methods: METHODS,
    costReference: "self-training",
    budgetMethod: "FST-D K=3",
    pretrainMethod: "source-only",
    config: "street_self_training",
  },
  "semi-supervised": {
    methods: SEMI_METHODS,
    costReference: "mean teacher",
    budgetMethod: "mean teacher, FST-D K=3",
    pretrainMethod: "supervised",
    config: "street_semi_mean_teacher",
  },
} as const satisfies Readonly<Record<string, Track>>;

/**
 * The same run with another method; what the method does not say has its default.
 *
 * @param known Sections by name; those of the embedded scenes unless given.
 */
export function withMethod(
  config: RunConfig,
  name: string,
  known: Readonly<Record<string, unknown>> = {
    ...METHODS,
    ...LOOK_AHEADS,
    ...SEMI_METHODS,
  },
): RunConfig {
  const method = known[name];
  if (method === undefined) {
    throw new RangeError(
      `Cannot compare "${name}": known are ${Object.keys(known).join(", ")}`,
    );
  }
  return parseConfig(JSON.stringify({ ...config, method }), name);
}
