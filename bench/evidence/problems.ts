/** What is compared on real images, and by which methods. @module */

/** One comparison on CamVid. */
export interface Problem {
  /** In files and tables. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** The configuration in `bench/configs`; its evaluations are "val", then "test". */
  readonly config: string;
  /** Learns from the labels alone, and trains the network that all others start from. */
  readonly baseline: string;
  /** What every other method is compared with. */
  readonly reference: string;
  /** The faster teacher: as many updates of it as virtual and real steps of K = 3. */
  readonly control: string;
  /** Sections of configurations by the name they have in tables, in their order. */
  readonly methods: Readonly<Record<string, unknown>>;
}

/** The method whose time at equal updates all get at equal wall clock. */
export const BUDGET_METHOD = "FST-D K=3";

const TEACHER = { emaDecay: 0.99 };
const FAST_TEACHER = { emaDecay: TEACHER.emaDecay ** 4 };

/** The same look-aheads around a method with a teacher. */
function around(name: string, method: Readonly<Record<string, unknown>>) {
  const lookingAhead = (lookAhead: unknown, more = {}) => ({
    ...method,
    teacher: TEACHER,
    lookAhead,
    ...more,
  });
  const masked = { maskedConsistency: {} };
  return {
    [name]: lookingAhead(null),
    [`${name}, teacher 4 × as fast`]: { ...lookingAhead(null), teacher: FAST_TEACHER },
    [BUDGET_METHOD]: lookingAhead({ depth: 3 }),
    [`${BUDGET_METHOD} by momentum`]: lookingAhead({ depth: 3, by: "momentum" }),
    [`${BUDGET_METHOD} by head`]: lookingAhead({ depth: 3, by: "head" }),
    "FST-D K=1 by reuse": lookingAhead({ depth: 1, by: "reuse" }),
    "MIC": lookingAhead(null, masked),
    [`MIC, ${BUDGET_METHOD}`]: lookingAhead({ depth: 3 }, masked),
    [`MIC, ${BUDGET_METHOD} by momentum`]: lookingAhead(
      { depth: 3, by: "momentum" },
      masked,
    ),
  };
}

/** The comparisons, in the order of the report. */
export const PROBLEMS: readonly Problem[] = [
  {
    name: "dusk",
    title: "day to dusk, EfficientNet-Lite0 from ImageNet weights",
    config: "camvid_dusk",
    baseline: "source alone",
    reference: "self-training",
    control: "self-training, teacher 4 × as fast",
    methods: {
      "source alone": { name: "source-only", teacher: TEACHER },
      ...around("self-training", {
        name: "self-training",
        pseudoLabel: { threshold: 0.8 },
      }),
    },
  },
  {
    name: "eighth",
    title: "labels of every eighth frame, EfficientNet-Lite0 from ImageNet weights",
    config: "camvid_eighth",
    baseline: "labels alone",
    reference: "mean teacher",
    control: "mean teacher, teacher 4 × as fast",
    methods: {
      "labels alone": { name: "supervised" },
      ...around("mean teacher", {
        name: "mean-teacher",
        perturbation: { name: "cutmix" },
        entropyFilter: { keepPercent: 80 },
      }),
    },
  },
];
