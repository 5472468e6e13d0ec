/**
 * The worker of a survey. It looks at the pictures it is told to, and says what it saw; see
 * {@linkcode SurveyRequest} and {@linkcode SurveyReply}.
 *
 * @module
 */

import { type CrossingError, packError } from "./crossing_error.ts";
import { type Look, openJob, type SurveyJob, type SurveyKind } from "./survey_job.ts";
import { lookAtRange } from "./survey_range.ts";

/** What a worker is told: first its job, then ranges of pictures, in the end to close. */
export type SurveyRequest =
  | { readonly kind: "open"; readonly job: SurveyJob }
  | { readonly kind: "look"; readonly from: number; readonly to: number }
  | { readonly kind: "close" };

/** What a worker answers. */
export type SurveyReply =
  | { readonly kind: "seen"; readonly results: readonly unknown[] }
  | ({ readonly kind: "failed"; readonly index: number } & CrossingError)
  | { readonly kind: "closed" };

/** What this file uses of a worker's global scope, which the types of a window lack. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<SurveyRequest>) => void) | null;
  postMessage(reply: SurveyReply): void;
  close(): void;
}

// The compiler checks this file as part of a window's program; it only runs in workers.
const scope = globalThis as unknown as WorkerScope;

let look: Promise<Look<SurveyKind>> | null = null;
let last: Promise<void> = Promise.resolve();

scope.onmessage = ({ data: request }) => {
  switch (request.kind) {
    case "open":
      look = openJob(request.job);
      look.catch(() => {}); // told to whoever asks first
      break;
    case "look":
      last = last.then(() => answer(request.from, request.to));
      break;
    case "close":
      // Files are being decoded by threads of a library: they are waited for.
      last = last.then(() => {
        scope.postMessage({ kind: "closed" });
        scope.close();
      });
      break;
  }
};

async function answer(from: number, to: number): Promise<void> {
  try {
    if (look === null) throw new Error("Cannot look at pictures before there is a job");
    const seen = await lookAtRange(await look, from, to);
    scope.postMessage(
      seen.failure === null
        ? { kind: "seen", results: seen.results }
        : { kind: "failed", index: seen.failure.index, ...packError(seen.failure.error) },
    );
  } catch (error) {
    scope.postMessage({ kind: "failed", index: from, ...packError(error) });
  }
}
