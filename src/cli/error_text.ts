/** Errors as people read them: a sentence, or a fault of this program. @module */
import { isOutOfMemory } from "../core/out_of_memory.ts";
import { errorReason } from "../io/file_errors.ts";

/** How engines begin sentences that ours begin alike. */
const ENGINE_SENTENCE =
  /^Cannot (read|set|define|delete|add|redefine) propert|^Cannot (destructure|convert|access|mix|assign|create|use 'in'|find module|perform|freeze|resolve|clone|transfer)\b/;

/** Errors of the system that reach a user as they are: their class, or their code. */
const isSystemError = (error: Error): boolean =>
  Object.values(Deno.errors).some((SystemError) => error instanceof SystemError) ||
  /^E[A-Z0-9]+$/.test("code" in error ? String(error.code) : "");

/**
 * What is printed of an error.
 *
 * Ours say what cannot be done, why, and the cure. Any other is a fault of this program, and
 * nothing that its user did wrong: it says so, and what to do.
 *
 * @param verbose Also where it comes from.
 * @param networkName The command that may use the network, where this one may not.
 */
export function errorText(
  error: unknown,
  { verbose = false, networkName = null }: {
    readonly verbose?: boolean;
    readonly networkName?: string | null;
  } = {},
): string {
  // Where freeing fails, too, the first error says more.
  if (error instanceof SuppressedError) {
    return errorText(error.suppressed, { verbose, networkName });
  }
  const sentence = sentenceOf(error);
  const text = networkName === null
    ? sentence
    : sentence.replace(/run with --allow-net\S*/, `run "${networkName}" in place of it`);
  if (!verbose || !(error instanceof Error)) return text;
  const cause = error.cause === undefined
    ? ""
    : `\ncaused by ${Deno.inspect(error.cause)}`;
  const stack = (error.stack ?? error.message) + cause;
  return stack.includes(text) ? stack : `${text}\n${stack}`;
}

function sentenceOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/^Cannot /.test(message) && !ENGINE_SENTENCE.test(message)) return message;
  if (error instanceof Error && isSystemError(error)) {
    const [path] = /"[^"]+"|'[^']+'/.exec(message) ?? [];
    const of = path === undefined ? "" : ` with ${path.replaceAll("'", '"')}`;
    return `Cannot go on${of}: ${errorReason(error)}`;
  }
  if (isOutOfMemory(error)) {
    return "Cannot go on: there is not enough memory: end other programs, or take smaller " +
      "images or a smaller network";
  }
  return "Cannot go on: this is a fault of fst, and not of what it was given: please report " +
    "it with the command and what that prints with --verbose";
}
