/** From an optimizer's configuration to its steps. @module */
import type { RunConfig } from "../config/schema.ts";
import type { Parameter } from "../core/network.ts";
import type { Descend } from "../methods/learner.ts";
import { adamwStep } from "../optim/adamw.ts";
import { learningRate } from "../optim/schedule.ts";
import { sgdStep } from "../optim/sgd.ts";

/** How a run descends. */
export interface Descent {
  /** The encoder's rate at an iteration. */
  rate(iteration: number): number;
  /** The step of an iteration. */
  at(iteration: number): Descend;
}

/** Makes the steps of a run. */
export function descentOf(
  { optimizer, iterations }: Pick<RunConfig, "optimizer" | "iterations">,
  parameters: readonly Parameter[],
): Descent {
  const rate = (iteration: number) =>
    learningRate(optimizer.rate, iteration, { ...optimizer, iterations });
  return {
    rate,
    at: (iteration) => (weights, moments, gradient) => {
      const now = rate(iteration);
      if (optimizer.name === "sgd") {
        sgdStep(parameters, weights, moments, gradient, now, optimizer);
      } else {
        adamwStep(parameters, weights, moments, gradient, now, optimizer);
      }
    },
  };
}

/** Whether a rule remembers the squares of gradients, too. */
export function hasSecondMoment({ name }: RunConfig["optimizer"]): boolean {
  return name === "adamw";
}
