/**
 * What a difference between two methods is worth that were run with the same seeds: the
 * paired t test and its interval.
 *
 *   d̄ = mean of dᵢ, s = their standard deviation, t = d̄ / (s / √n), n − 1 degrees of freedom
 *
 * Source: Student, "The probable error of a mean", Biometrika 6 (1908); the distribution by
 * Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
 *
 * @module
 */

/** The differences of pairs, in their unit. */
export interface PairedDifference {
  /** n */
  readonly pairs: number;
  /** d̄ */
  readonly mean: number;
  /** s, of single differences; NaN of fewer than two. */
  readonly deviation: number;
  /** The 95 % interval of d̄. */
  readonly interval: readonly [number, number];
  /** Two-sided, of the paired t test that the mean is 0. */
  readonly p: number;
  /** The true difference that such runs find four times in five (power 0.8, level 0.05). */
  readonly detectable: number;
}

/** Level of the test, two-sided. */
const LEVEL = 0.05;
const POWER = 0.8;

/**
 * Compares values of the same seeds.
 *
 * @throws {RangeError} If they are not as many.
 */
export function pairedDifference(
  values: readonly number[],
  reference: readonly number[],
): PairedDifference {
  if (values.length !== reference.length) {
    throw new RangeError(
      `Cannot pair ${values.length} values with ${reference.length}: each needs its seed`,
    );
  }
  const pairs = values.length;
  const differences = values.map((value, i) => value - (reference[i] ?? NaN));
  const mean = meanOf(differences);
  const deviation = standardDeviation(differences);
  const freedom = pairs - 1;
  const error = deviation / Math.sqrt(pairs);
  const half = studentQuantile(1 - LEVEL / 2, freedom) * error;
  return {
    pairs,
    mean,
    deviation,
    interval: [mean - half, mean + half],
    // Without spread a difference is certain, and so is its absence.
    p: error === 0
      ? (mean === 0 ? 1 : 0)
      : 2 * (1 - studentDistribution(Math.abs(mean) / error, freedom)),
    detectable: half + studentQuantile(POWER, freedom) * error,
  };
}

/**
 * Holm's correction for several comparisons at once: the probability that any of those that
 * are called different is not stays below the level. Holm, Scand. J. Statist. 6 (1979).
 *
 * @returns The corrected p of each, in the given order.
 */
export function holmCorrection(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) =>
    (values[a] ?? 0) - (values[b] ?? 0)
  );
  const corrected = values.slice();
  let largest = 0;
  order.forEach((index, rank) => {
    largest = Math.max(
      largest,
      Math.min(1, (values[index] ?? NaN) * (values.length - rank)),
    );
    corrected[index] = largest;
  });
  return corrected;
}

/** The mean; NaN of nothing. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The standard deviation of a sample (divided by n − 1); NaN of fewer than two. */
export function standardDeviation(values: readonly number[]): number {
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/** Mean ± standard deviation over seeds of shares, in %; one seed has no deviation. */
export function meanAndSpread(shares: readonly number[]): string {
  const percent = (share: number) => (100 * share).toFixed(1);
  const mean = percent(meanOf(shares));
  return shares.length < 2 ? mean : `${mean} ± ${percent(standardDeviation(shares))}`;
}

/** P(T ≤ t) of Student's distribution with a whole number of degrees of freedom. */
export function studentDistribution(t: number, freedom: number): number {
  if (!(freedom >= 1)) return NaN;
  const angle = Math.atan(t / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const isOdd = freedom % 2 === 1;
  // Odd: cos + 2/3 cos³ + 2·4/(3·5) cos⁵ + …; even: 1 + 1/2 cos² + 1·3/(2·4) cos⁴ + …
  let term = isOdd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let power = isOdd ? 3 : 2; power <= freedom - 2; power += 2) {
    term *= (power - 1) / power * cosine ** 2;
    sum += term;
  }
  const within = isOdd ? 2 / Math.PI * (angle + sine * sum) : sine * sum;
  return (1 + within) / 2;
}

/** The t with P(T ≤ t) = probability, to nine digits. */
export function studentQuantile(probability: number, freedom: number): number {
  if (!(freedom >= 1)) return NaN;
  let [low, high] = [-1e9, 1e9];
  while (high - low > 1e-10 * Math.max(1, Math.abs(low))) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (studentDistribution(middle, freedom) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
