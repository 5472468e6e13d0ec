import { type Method, realBatch, step } from "./learner.ts";

/** Plain training on labelled images: θ ← step(θ, m, ∇E(θ, b)). */
export const supervised: Method = (learner, batches, _iteration, recipe) =>
  step(learner, learner.student, learner.moments, realBatch(batches), recipe);
