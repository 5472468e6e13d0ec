/** What a survey does with each picture. @module */

import { countLabel } from "./count_label.ts";
import { type DataSpec, openDataSet } from "./data_set.ts";
import type { Finding } from "./examination.ts";
import type { InventorySpec } from "./inventory.ts";
import { openLoose } from "./loose_pairs.ts";
import { pairedDataSet, type PicturePair } from "./picture_pairs.ts";

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

/** Some pictures, from one on. */
export interface SurveyRange {
  readonly from: number;
  /** Their files; null where whoever looks finds them. */
  readonly pairs: readonly PicturePair[] | null;
}

/** Gives a look at some pictures. */
export type OpenedJob = (range: SurveyRange) => Look<SurveyKind>;

/**
 * Opens what is surveyed.
 *
 * @param root The folder of the files that ranges name; null: the data set is looked for.
 * @throws As the data set does.
 */
export async function openJob(job: SurveyJob, root: string | null): Promise<OpenedJob> {
  if (root === null) {
    const look = await openWhole(job);
    return () => look;
  }
  const setOf = await openLoose(job.spec, root);
  switch (job.kind) {
    case "count":
      return ({ from, pairs }) => {
        const dataSet = pairedDataSet(setOf(pairs ?? []));
        return (index) => countLabel(dataSet, index - from);
      };
    case "examine": {
      const { examine } = await examination();
      return ({ from, pairs }) => {
        const set = setOf(pairs ?? []);
        return (index) => examine(set, index - from);
      };
    }
  }
}

async function openWhole(job: SurveyJob): Promise<Look<SurveyKind>> {
  switch (job.kind) {
    case "count": {
      const dataSet = await openDataSet(job.spec);
      return (index) => countLabel(dataSet, index);
    }
    case "examine":
      return await (await examination()).openExamination(job.spec);
  }
}

// Loaded on demand: labels alone need no image library.
const examination = () => import("./examination.ts");
