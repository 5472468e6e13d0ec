/** Interpolation of values given at points of one axis. @module */

/**
 * The weights that the values at `points` have at `targets`, in the cubic spline through
 * them without a knot at the second point and the last but one ("not-a-knot"), which is
 * what FITPACK makes of data it must interpolate. Beyond the ends the end value holds.
 *
 * Applied along two axes, one after the other, it is SciPy's `RectBivariateSpline` with
 * `kx = ky = 3, s = 0`.
 *
 * Source: C. de Boor, "A Practical Guide to Splines", 1978, chapter IV.
 *
 * @param points Ascending, at least 4.
 * @returns [targets][points]
 * @throws {RangeError} If there are fewer than 4 points.
 */
export function cubicSplineWeights(
  points: readonly number[],
  targets: readonly number[],
): Float64Array[] {
  if (points.length < 4) {
    throw new RangeError(
      `Cannot lay a cubic spline through ${points.length} points: 4 are needed`,
    );
  }
  // A spline depends linearly on its values: each target's weight of a point is what the
  // spline through 1 at that point and 0 at the others has there.
  const weights = targets.map(() => new Float64Array(points.length));
  for (let unit = 0; unit < points.length; unit++) {
    const values = points.map((_, i) => i === unit ? 1 : 0);
    const slopes = splineSlopes(points, values);
    targets.forEach((target, t) => {
      const row = weights[t];
      if (row) row[unit] = hermite(points, values, slopes, target);
    });
  }
  return weights;
}

// Slopes at the points that make second derivatives continuous: a tridiagonal system.
function splineSlopes(points: readonly number[], values: readonly number[]): number[] {
  const at = (list: readonly number[], i: number) => list[i] ?? 0;
  const last = points.length - 1;
  const step = Array.from({ length: last }, (_, i) => at(points, i + 1) - at(points, i));
  const rise = step.map((h, i) => (at(values, i + 1) - at(values, i)) / h);
  const h = (i: number) => at(step, i);
  const d = (i: number) => at(rise, i);
  const ends = (a: number, b: number, da: number, db: number) =>
    ((3 * a + 2 * b) * b * da + a ** 2 * db) / (a + b);
  const below: number[] = [0];
  const middle: number[] = [h(1)];
  const above: number[] = [h(0) + h(1)];
  const right: number[] = [ends(h(0), h(1), d(0), d(1))];
  for (let i = 1; i < last; i++) {
    below.push(h(i));
    middle.push(2 * (h(i - 1) + h(i)));
    above.push(h(i - 1));
    right.push(3 * (h(i) * d(i - 1) + h(i - 1) * d(i)));
  }
  const [a, b] = [h(last - 1), h(last - 2)];
  below.push(a + b);
  middle.push(b);
  above.push(0);
  right.push(ends(a, b, d(last - 1), d(last - 2)));
  for (let i = 1; i <= last; i++) {
    const factor = at(below, i) / at(middle, i - 1);
    middle[i] = at(middle, i) - factor * at(above, i - 1);
    right[i] = at(right, i) - factor * at(right, i - 1);
  }
  const slopes = [...right];
  for (let i = last; i >= 0; i--) {
    slopes[i] = (at(right, i) - at(above, i) * at(slopes, i + 1)) / at(middle, i);
  }
  return slopes;
}

// The cubic between two points with given values and slopes.
function hermite(
  points: readonly number[],
  values: readonly number[],
  slopes: readonly number[],
  target: number,
): number {
  const last = points.length - 1;
  const [first = 0, end = 0] = [points[0], points[last]];
  const x = Math.min(Math.max(target, first), end);
  const next = points.findIndex((point, i) => i > 0 && x <= point);
  const [x0 = 0, x1 = 1] = [points[next - 1], points[next]];
  const [y0 = 0, y1 = 0] = [values[next - 1], values[next]];
  const [s0 = 0, s1 = 0] = [slopes[next - 1], slopes[next]];
  const step = x1 - x0;
  const t = (x - x0) / step;
  return (1 + 2 * t) * (1 - t) ** 2 * y0 + t * (1 - t) ** 2 * step * s0 +
    t ** 2 * (3 - 2 * t) * y1 + t ** 2 * (t - 1) * step * s1;
}
