/** Failures that have to wait for results which are worth more. @module */

/**
 * Makes a function that does its work until it fails, and nothing afterwards: what cannot
 * be written must not take the figures of a long evaluation with it.
 *
 * @param failures Receives the failure, to be told in the end.
 */
export function postponed<Input>(
  work: (input: Input) => Promise<void>,
  failures: unknown[],
): (input: Input) => Promise<void> {
  let hasFailed = false;
  return async (input) => {
    if (hasFailed) return;
    try {
      await work(input);
    } catch (error) {
      hasFailed = true;
      failures.push(error);
    }
  };
}
