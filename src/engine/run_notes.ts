/** What of a sound configuration does nothing. @module */
import { isSemi } from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import type { SemiConfig } from "../config/semi_method.ts";

/** What a user should know before a run with few labels; a sentence each. */
export function runNotes({ method, iterations, data }: RunConfig): string[] {
  if (!isSemi(method)) return [];
  const { supervisedIterations, teacher: { sharedIterations } } = method;
  const notes: string[] = [];
  if (supervisedIterations >= iterations) {
    notes.push(
      `all ${iterations} iterations look at labels alone: for the method to begin, set ` +
        `"method.supervisedIterations" (${supervisedIterations}) below "iterations"`,
    );
  } else if (supervisedIterations + sharedIterations >= iterations) {
    notes.push(
      "the teacher is the student in all iterations: for it to be an average, set " +
        `"method.teacher.sharedIterations" (${sharedIterations}) below ` +
        `${iterations - supervisedIterations}`,
    );
  }
  const mixing = mixingOf(method);
  if (mixing !== null && data.batch === 1) {
    notes.push(
      `"${mixing}" changes nothing: it pastes from the next image of the batch, and ` +
        '"data.batch" is 1; set it to 2 or more',
    );
  }
  return notes;
}

/** The key of what pastes from image to image; null: nothing does. */
function mixingOf(method: SemiConfig): string | null {
  if (method.name === "weak-to-strong") {
    return method.views.cutmixProbability > 0 ? "method.views.cutmixProbability" : null;
  }
  const { name, probability } = method.perturbation;
  const pastes = name === "cutmix" || name === "classmix";
  return pastes && probability > 0 ? "method.perturbation" : null;
}
