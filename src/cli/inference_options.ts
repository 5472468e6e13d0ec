/** The options of commands that use a trained network. @module */
import { CPU_OPTIONS } from "./cpu_options.ts";
import { option } from "./option.ts";

/** Test-time augmentation, which network, and which backend. */
export const INFERENCE_OPTIONS = {
  scales: option.numbers(
    "N,N",
    [1],
    "test-time augmentation: scales to average, e.g. 0.75,1,1.25",
  ),
  flip: option.flag("test-time augmentation: average with the mirrored image"),
  slide: option.flag(
    "sliding-window inference; windows of evaluation.windowSize or the crop's size",
  ),
  teacher: option.flag("use the teacher; the default for semi-supervised runs"),
  student: option.flag("use the student of a run whose primary network is its teacher"),
  set: option.strings("K=V", "replace a value of the run's configuration"),
  backend: option.choice(["auto", "webgpu", "wasm"], "auto", "where to compute"),
  ...CPU_OPTIONS,
} as const;

/** What label files hold. */
export const LABEL_IDS_OPTION = option.choice(
  ["classIds", "labelIds"],
  "classIds",
  "values of label files; labelIds: those of the Cityscapes server, without overlays",
);

/**
 * Whose weights the flags name; without one, those that the run is for.
 *
 * @throws {RangeError} If they name both.
 */
export function selectNetworkRole(
  { teacher, student }: { readonly teacher: boolean; readonly student: boolean },
): { readonly teacher?: boolean } {
  if (teacher && student) {
    throw new RangeError(
      "Cannot use both networks: give one of --teacher and --student",
    );
  }
  if (teacher) return { teacher };
  return student ? { teacher: false } : {};
}

/** What to measure besides the usual metrics, and what to write. */
export const EVALUATION_OPTIONS = {
  subset: option.strings(
    "NAMES",
    "also report mIoU over a subset of classes: synthia-16, synthia-13 or class,class",
  ),
  trimap: option.integer(
    "N",
    "also score the trimap: pixels within N of a label boundary or of ignored pixels",
  ),
  matrix: option.flag("print the confusion matrix"),
  confusion: option.strings("FILE", "write it: counts to a .csv, a heat map to a .png"),
  save: option.string("DIR", "write label maps and overlays into this folder"),
  ids: LABEL_IDS_OPTION,
} as const;
