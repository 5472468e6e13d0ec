/** Some pictures of a survey, on one thread. @module */

/** Pictures in hand at a time: while one is decoded, the next is read. */
const AT_ONCE = 2;

/** What was seen, or the first picture of the range that could not be looked at. */
export interface RangeSeen<Result> {
  /** In order; of all pictures unless there is a failure. */
  readonly results: Result[];
  readonly failure: { readonly index: number; readonly error: unknown } | null;
}

/** Looks at the pictures `from` … `to` − 1. Never throws. */
export async function lookAtRange<Result>(
  look: (index: number) => Promise<Result>,
  from: number,
  to: number,
): Promise<RangeSeen<Result>> {
  const results: Result[] = [];
  for (let at = from; at < to; at += AT_ONCE) {
    const indices = Array.from({ length: Math.min(AT_ONCE, to - at) }, (_, i) => at + i);
    const seen = await Promise.allSettled(indices.map(look));
    for (const [i, one] of seen.entries()) {
      if (one.status === "rejected") {
        return { results, failure: { index: at + i, error: one.reason } };
      }
      results.push(one.value);
    }
  }
  return { results, failure: null };
}
