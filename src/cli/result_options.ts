/** The options of an evaluation's results: further figures, files. @module */
import { IDS_OPTION } from "./look_options.ts";
import { option } from "./option.ts";

/** What to measure beside the usual, and what to write. */
export const RESULT_OPTIONS = {
  subset: option.texts(
    "NAMES",
    "also the mean over synthia-16, synthia-13 or class,class",
  ),
  trimap: option.count(
    "N",
    "also score pixels within N of another label or of ignored ones",
  ),
  matrix: option.flag("print the confusion matrix"),
  confusion: option.texts("FILE", "write it: counts to a .csv, a heat map to a .png"),
  save: option.text("DIR", "write label maps and overlays into this folder"),
  ids: IDS_OPTION,
} as const;
