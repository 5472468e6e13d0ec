/** What a survey does with each picture. @module */

import { countLabel } from "./count_label.ts";
import { type DataSpec, openDataSet } from "./data_set.ts";
import type { Finding } from "./examination.ts";
import type { InventorySpec } from "./inventory.ts";

/** What a look at one picture gives, by the kind of survey. */
export interface SurveyResults {
  /** Pixels per class id of its label. */
  readonly count: number[];
  /** Whether its files are sound, and the same pixels. */
  readonly examine: Finding;
}

/** Kinds of surveys. */
export type SurveyKind = keyof SurveyResults;

/** Describes a survey: plain JSON. */
export type SurveyJob =
  | { readonly kind: "count"; readonly spec: DataSpec }
  | { readonly kind: "examine"; readonly spec: InventorySpec };

/** Looks at one picture. */
export type Look<Kind extends SurveyKind> = (
  index: number,
) => Promise<SurveyResults[Kind]>;

/** Opens what is surveyed. @throws As the data set does. */
export async function openJob(job: SurveyJob): Promise<Look<SurveyKind>> {
  switch (job.kind) {
    case "count": {
      const dataSet = await openDataSet(job.spec);
      return (index) => countLabel(dataSet, index);
    }
    case "examine":
      // Loaded on demand: labels alone need no image library.
      return await (await import("./examination.ts")).openExamination(job.spec);
  }
}
