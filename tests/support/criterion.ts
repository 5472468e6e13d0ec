/** Terms of a criterion with the defaults of a configuration. @module */
import type { CriterionTerm } from "../../src/objectives/criterion.ts";

type TermNamed<N extends CriterionTerm["name"]> = Extract<
  CriterionTerm,
  { readonly name: N }
>;

/** Plain cross entropy. */
export const CROSS_ENTROPY: TermNamed<"cross-entropy"> = {
  ...{ name: "cross-entropy", weight: 1, average: "valid" },
  ...{ labelSmoothing: 0, classWeights: null },
};

/** Focal loss. */
export const FOCAL: TermNamed<"focal"> = {
  ...{ name: "focal", weight: 1, average: "valid", gamma: 2, classWeights: null },
};

/** Dice loss. */
export const DICE: TermNamed<"dice"> = {
  ...{ name: "dice", weight: 1, smooth: 0, per: "batch" },
};

/** Lovász-softmax loss. */
export const LOVASZ: TermNamed<"lovasz-softmax"> = {
  ...{ name: "lovasz-softmax", weight: 1, classes: "present", per: "batch" },
};
