/**
 * The worker of a survey. It looks at the pictures it is told to, and says what it saw; see
 * {@linkcode SurveyRequest} and {@linkcode SurveyReply}.
 *
 * @module
 */

import { type CrossingError, packError } from "./crossing_error.ts";
import {
  type OpenedJob,
  openJob,
  type SurveyJob,
  type SurveyRange,
} from "./survey_job.ts";
import { lookAtRange } from "./survey_range.ts";

/** What a worker is told: first its job, then ranges of pictures, in the end to close. */
export type SurveyRequest =
  | { readonly kind: "open"; readonly job: SurveyJob; readonly root: string | null }
  | ({ readonly kind: "look"; readonly to: number } & SurveyRange)
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

let opened: Promise<OpenedJob> | null = null;
let last: Promise<void> = Promise.resolve();

scope.onmessage = ({ data: request }) => {
  switch (request.kind) {
    case "open":
      opened = openJob(request.job, request.root);
      opened.catch(() => {}); // told to whoever asks first
      break;
    case "look":
      last = last.then(() => answer(request, request.to));
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

async function answer(range: SurveyRange, to: number): Promise<void> {
  try {
    if (opened === null) throw new Error("Cannot look at pictures before there is a job");
    const look = (await opened)(range);
    const seen = await lookAtRange(look, range.from, to);
    scope.postMessage(
      seen.failure === null
        ? { kind: "seen", results: seen.results }
        : { kind: "failed", index: seen.failure.index, ...packError(seen.failure.error) },
    );
  } catch (error) {
    scope.postMessage({ kind: "failed", index: range.from, ...packError(error) });
  }
}
