/** Training on labeled images alone. @module */
import type { Network } from "../core/network.ts";
import { computeGradient } from "../core/backward.ts";
import type { Batch } from "../core/batch.ts";
import { partStart } from "../core/ranks.ts";
import type * as tf from "../core/tf.ts";
import { type Criterion, criterionLoss } from "../objectives/criterion.ts";
import {
  gradientStep,
  type Learner,
  type Losses,
  type Objective,
  type Recipe,
  recordLoss,
  studentContext,
} from "./learner.ts";

/**
 * One iteration of plain training: θ, m ← step(θ, m, ∇E(θ, b)).
 *
 * @returns The losses; the caller releases them.
 */
export function supervised(learner: Learner, batch: Batch, recipe: Recipe): Losses {
  const { student: weights, moments } = learner;
  const losses = gradientStep(learner, { weights, moments }, batch, recipe);
  recipe.commitLossState?.();
  recipe.clearCache();
  return losses;
}

/**
 * The loss of labeled images; its name in the log is "supervised", beside those of its terms
 * if they are a list.
 */
export function supervisedObjective(
  network: Network,
  seed: number,
  criterion: Criterion,
): Objective {
  return {
    clearCache() {},
    forwardBackward(student, _teacher, { source }, forwardIndex) {
      const losses = new Map<string, tf.Scalar>();
      const gradient = computeGradient(network.parameters, student, () => {
        // The name keys the draws of dropout: spelled otherwise, old runs would not resume.
        const sampleOffset = partStart(source.labels.shape[0]);
        const context = studentContext(seed, "labelled", forwardIndex, { sampleOffset });
        const output = network.forward(student, source.images, context);
        const loss = criterionLoss(
          criterion,
          output,
          source,
          network.decoder,
          (name, loss) => recordLoss(losses, name, loss),
        );
        return recordLoss(losses, "supervised", loss);
      });
      return { losses, gradient };
    },
  };
}
