/**
 * What a step told the device, in a form that two steps can be compared by: if they differ
 * in anything that is not known to differ, neither can stand for the next one.
 *
 * @module
 */

/** One step's commands with everything they depend on, but for decided values. */
export interface StepTrace {
  /** Why this step cannot be replayed, whatever others do; null if it can. */
  readonly fault: string | null;
  /** Adds a command; `what` is for people, `key` is compared. */
  add(what: string, key: string): void;
  /** Remembers the first reason. */
  fail(reason: string): void;
  /** Where another step differs first, for people; null if nowhere. */
  differenceTo(other: StepTrace): string | null;
  /** The commands so far. */
  readonly entries: readonly (readonly [what: string, key: string])[];
}

/** Starts a trace. */
export function stepTrace(): StepTrace {
  const entries: [string, string][] = [];
  let fault: string | null = null;
  return {
    entries,
    get fault() {
      return fault;
    },
    add: (what, key) => void entries.push([what, key]),
    fail: (reason) => fault ??= reason,
    differenceTo({ entries: others }) {
      const most = Math.max(entries.length, others.length);
      for (let i = 0; i < most; i++) {
        const [what, key] = entries[i] ?? ["the end", ""];
        const [other, otherKey] = others[i] ?? ["the end", ""];
        if (what !== other) return `${other} became ${what} at command ${i}`;
        if (key !== otherKey) return `${what} changed at command ${i}`;
      }
      return null;
    },
  };
}

/** The 32-bit FNV-1a hash of words. */
export function hashOf(words: Uint32Array): number {
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193);
  return hash >>> 0;
}
