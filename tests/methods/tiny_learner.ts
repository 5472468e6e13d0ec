/** Learners of networks with a few weights. @module */
import type { Parameter, Weights } from "../../src/core/network.ts";
import type { LookAhead } from "../../src/methods/future_self_training.ts";
import type { Learner } from "../../src/methods/learner.ts";

/** One number of a network, initially 0. */
export const tinyParameter = (name: string, trainable = true): Parameter => ({
  name,
  shape: [1],
  layout: "plain",
  initializer: { kind: "constant", value: 0 },
  trainable,
});

/** A learner before its first iteration. */
export const startLearner = (
  weights: () => Weights,
  moments: () => Weights,
): Learner => ({
  student: weights(),
  teacher: weights(),
  moments: { steps: 0, first: moments(), second: moments() },
  forwardCount: 0,
});

/** Depth 3 as in the paper. */
export const PAPER: LookAhead = {
  depth: 3,
  width: 1,
  emaDecay: 0.999,
  optimizerState: "restore",
  buffers: "restore",
  emaStep: "iteration",
  emaTiming: "before",
  firstIteration: "lookahead",
};
