/** Which known word was meant. @module */

/** Levenshtein distance: insertions, deletions and substitutions from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/**
 * Finds the known word nearest to another, letter case aside.
 *
 * @returns The word, or null where nothing is near: more than two edits and more than a
 * third of the letters apart.
 */
export function nearestWord(word: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let smallestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < smallestDistance && distance < candidate.length) {
      smallestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

/**
 * @param renamed What to say in place of some of the known words.
 * @returns `; did you mean "…"?`, or nothing where no known word is near.
 */
export function didYouMean(
  word: string,
  known: readonly string[],
  renamed: ReadonlyMap<string, string> = new Map(),
): string {
  const meant = nearestWord(word, known);
  return meant === null ? "" : `; did you mean "${renamed.get(meant) ?? meant}"?`;
}
