import { type Method, realBatch, step } from "./learner.ts";

/** Plain training on labelled images: θ ← step(θ, m, ∇E(θ, b)). */
export const supervised: Method = (learner, batches, _iteration, recipe) => {
  const { student, moments } = learner;
  const losses = step(learner, student, moments, realBatch(batches), recipe);
  recipe.remember?.();
  recipe.forget();
  return losses;
};
