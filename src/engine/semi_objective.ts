/** From the configuration of a rule for few labels to its loss evaluation. @module */
import { drawPerturbation, perturb } from "../augment/perturb.ts";
import { drawView, strongView } from "../augment/strong_view.ts";
import type { RunConfig } from "../config/schema.ts";
import type { SemiConfig } from "../config/semi_method.ts";
import { decide, upload } from "../core/decided.ts";
import { IGNORED } from "../core/host_batch.ts";
import type { Network } from "../core/network.ts";
import { createRandom } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import type { Seen } from "../methods/domain_adaptation.ts";
import type { Criterion } from "../methods/labelled_loss.ts";
import type { Objective } from "../methods/learner.ts";
import {
  meanTeacher,
  type MeanTeacherContrast,
  type Perturb,
} from "../methods/mean_teacher.ts";
import { type StrongView, weakToStrong } from "../methods/weak_to_strong.ts";
import { hardExampleCrossEntropy } from "../objectives/ohem.ts";
import { resizeLogits } from "../objectives/resize_logits.ts";
import { validCrossEntropy } from "../objectives/valid_cross_entropy.ts";

/** What a loss depends on besides the rule. */
export interface SemiParts {
  readonly network: Network;
  readonly seed: number;
  readonly data: Pick<RunConfig["data"], "normalisation" | "padding">;
  /** Told about every evaluation. */
  readonly inspect: (seen: Seen) => void;
  /** How much of the run is done at an evaluation, 0 … 1. */
  readonly progress: (evaluation: number) => number;
  /** What the rule is compared with besides labels; null if nothing. */
  readonly contrast: MeanTeacherContrast | null;
}

/** How labelled pixels are judged. */
export function criterionOf({ criterion }: SemiConfig): Criterion {
  if (criterion.name === "cross-entropy") return validCrossEntropy;
  return (logits, labels, enlarging) => {
    const [, H = 0, W = 0] = labels.shape;
    const large = resizeLogits(logits, [H, W], enlarging);
    return hardExampleCrossEntropy(large, labels, criterion);
  };
}

/** Builds the evaluation of a rule. */
export function semiObjective(method: SemiConfig, parts: SemiParts): Objective {
  const { network, seed, data: { normalisation, padding }, inspect, progress } = parts;
  const common = {
    ...{ network, seed, inspect },
    criterion: criterionOf(method),
    // Where padding has no label, it gets none from the teacher either.
    ignorePadding: padding.label === IGNORED,
    compared: (method.lookAhead?.agreement ?? null) !== null,
  };
  if (method.name === "weak-to-strong") {
    const view: StrongView = (input, { host }, evaluation, which) =>
      strongView(
        input,
        decide(
          { host, evaluation },
          ({ host, evaluation }) =>
            drawView(
              method.views,
              host,
              createRandom(seed, `strong/${which}`, evaluation),
            ),
        ),
        normalisation,
      );
    return weakToStrong({ ...method, ...common, view });
  }
  const { perturbation: { name, probability }, entropyFilter: filter, weight } = method;
  const { classes } = network;
  const change: Perturb = (input, { host }, evaluation) =>
    perturb(
      name,
      input,
      decide({ host, evaluation }, ({ host, evaluation }) => {
        const random = createRandom(seed, "perturbation", evaluation);
        return drawPerturbation(probability, { ...host, classes }, random);
      }),
      classes,
    );
  return meanTeacher({
    ...common,
    ...{ weight, contrast: parts.contrast },
    perturb: change,
    filterTeacher: filter.teacher,
    percent: ({ host }, evaluation) => {
      if (!filter.annealed) return filter.percent;
      const at = (evaluation: number) =>
        100 - (100 - filter.percent) * progress(evaluation);
      // Only a replay needs it on the device, where it is rounded.
      if (tf.getBackend() !== "webgpu") return at(evaluation);
      const share = decide(
        { host, evaluation },
        ({ evaluation }) => Float32Array.of(at(evaluation) / 100),
      );
      return upload(share, [1]);
    },
  });
}
