/** The options of commands that use a trained network. @module */
import { option } from "./option.ts";

/** How hard it looks at a picture, whose weights it takes, and where it computes. */
export const LOOK_OPTIONS = {
  scales: option.numbers("N,N", [1], "sizes to look at and average, e.g. 0.75,1,1.25"),
  flip: option.flag("look at the mirrored picture too"),
  slide: option.flag("look through windows of the size of a training crop"),
  teacher: option.flag("take the teacher; runs with few labels are for it anyway"),
  student: option.flag("take the student of a run that is for its teacher"),
  set: option.texts("K=V", "replace a value of the run's configuration"),
  backend: option.choice(["auto", "webgpu", "wasm"], "auto", "where to compute"),
} as const;

/** What label files hold. */
export const IDS_OPTION = option.choice(
  ["classIds", "labelIds"],
  "classIds",
  "values of label files; labelIds: those of the Cityscapes server, without overlays",
);

/**
 * Whose weights the flags name; without one, those that the run is for.
 *
 * @throws {RangeError} If they name both.
 */
export function roleOf(
  { teacher, student }: { readonly teacher: boolean; readonly student: boolean },
): { readonly teacher?: boolean } {
  if (teacher && student) {
    throw new RangeError(
      "Cannot take the weights of both: give one of --teacher and --student",
    );
  }
  if (teacher) return { teacher };
  return student ? { teacher: false } : {};
}
