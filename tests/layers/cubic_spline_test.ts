import assert from "node:assert/strict";
import { cubicSplineWeights } from "../../src/layers/cubic_spline.ts";

const POINTS = [-7, -4, -1.5, 0, 1, 2.25, 6];

/** The spline through the values of f, at the targets. */
function spline(
  points: readonly number[],
  f: (x: number) => number,
  targets: readonly number[],
): number[] {
  const values = points.map(f);
  return cubicSplineWeights(points, targets)
    .map((row) => row.reduce((sum, weight, i) => sum + weight * (values[i] ?? 0), 0));
}

function assertNear(found: readonly number[], expected: readonly number[]): void {
  assert.equal(found.length, expected.length);
  found.forEach((value, i) => {
    const other = expected[i] ?? NaN;
    assert.ok(
      Math.abs(value - other) < 1e-9 * (1 + Math.abs(other)),
      `${value} ${other}`,
    );
  });
}

Deno.test("cubicSplineWeights() goes through its points", () => {
  assertNear(spline(POINTS, Math.exp, POINTS), POINTS.map(Math.exp));
});

Deno.test("cubicSplineWeights() reproduces cubics, however few the points", () => {
  const cubic = (x: number) => 2 - x + 0.5 * x ** 2 - 0.25 * x ** 3;
  const targets = [-6.5, -4, -2, 0.1, 3, 5.9];
  assertNear(spline(POINTS, cubic, targets), targets.map(cubic));
  assertNear(spline([-7, -1, 0, 6], cubic, targets), targets.map(cubic));
});

// SciPy 1.17.1: CubicSpline(points, sin(points))(targets), not-a-knot by default; along
// both axes RectBivariateSpline(kx=3, ky=3, s=0) gives their products, to 1e-15.
const SCIPY = [
  1.1055389051495996,
  -0.2014946788434026,
  0.48210035494829984,
  0.9661583163934397,
  -0.37921864865066085,
];

Deno.test("cubicSplineWeights() is SciPy's not-a-knot spline", () => {
  assertNear(spline(POINTS, Math.sin, [-6, -3, 0.5, 1.5, 4]), SCIPY);
});

Deno.test("cubicSplineWeights() keeps the end values beyond the ends", () => {
  assertNear(spline(POINTS, Math.exp, [-9, 6.001]), [Math.exp(-7), Math.exp(6)]);
});

Deno.test("cubicSplineWeights() names too few points", () => {
  assert.throws(() => cubicSplineWeights([0, 1, 2], [0.5]), {
    name: "RangeError",
    message: "Cannot lay a cubic spline through 3 points: 4 are needed",
  });
});
