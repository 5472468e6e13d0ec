/**
 * Tables of relative positions, resized to other windows and grids when pretrained weights
 * are loaded: bicubic for Swin, a spline through stretched offsets for BEiT.
 *
 * @module
 */
import type { HostTensor } from "../core/host_tensor.ts";
import type { TokenGrid } from "../ops/position_bias/position_bias.ts";

// Keys' kernel with the parameter that PyTorch and OpenCV use.
const CUBIC_A = -0.75;

/** The four source pixels of a target pixel, and their weights. */
type CubicWeights = readonly (readonly [source: number, weight: number])[];

/**
 * Resizes the table of a window to that of another one, each head on its own.
 *
 * Bicubic as PyTorch's `interpolate(mode="bicubic", align_corners=False)`: center of the
 * source pixel = (target + ½)·in/out − ½, Keys' kernel with A = −0.75, indices clamped to
 * the border, no antialiasing; computed in float64.
 *
 * Source: mmsegmentation, `mmseg/models/backbones/swin.py`, where pretrained weights are
 * loaded.
 *
 * @param value Float32. [S², heads]
 * @param targetSide S′, positions per axis of the result.
 * @param heads As many as the table must have.
 * @returns [S′², heads], or null if the value is no such table.
 */
export function resizeSwinPositionTable(
  value: HostTensor,
  targetSide: number,
  heads: number,
): HostTensor | null {
  const [entries = 0, columns] = value.shape;
  const sourceSide = Math.sqrt(entries);
  const isTable = value.shape.length === 2 && entries > 0 && Number.isInteger(sourceSide);
  if (value.dtype !== "F32" || !isTable || columns !== heads) return null;
  const values = new Float32Array(value.bytes.slice().buffer);
  const resized = new Float32Array(targetSide ** 2 * heads);
  const cubicWeights = Array.from(
    { length: targetSide },
    (_, target) => cubicWeightsOf(target, sourceSide, targetSide),
  );
  let at = 0;
  for (const rows of cubicWeights) {
    for (const cols of cubicWeights) {
      for (let head = 0; head < heads; head++) {
        let sum = 0;
        for (const [row, down] of rows) {
          for (const [col, right] of cols) {
            sum += down * right *
              (values[(row * sourceSide + col) * heads + head] ?? NaN);
          }
        }
        resized[at++] = sum;
      }
    }
  }
  const shape = [targetSide ** 2, heads];
  return { dtype: "F32", shape, bytes: new Uint8Array(resized.buffer) };
}

function cubicWeightsOf(target: number, from: number, to: number): CubicWeights {
  const center = (target + 0.5) * from / to - 0.5;
  const first = Math.floor(center) - 1;
  return Array.from({ length: 4 }, (_, i) => {
    const source = Math.min(Math.max(first + i, 0), from - 1);
    return [source, cubicKernel(center - first - i)] as const;
  });
}

// The weight of a pixel at some distance.
function cubicKernel(distance: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return ((CUBIC_A + 2) * d - (CUBIC_A + 3)) * d * d + 1;
  return d < 2 ? ((CUBIC_A * d - 5 * CUBIC_A) * d + 8 * CUBIC_A) * d - 4 * CUBIC_A : 0;
}

// The entries of the class token, which have no place in the grid.
const CLASS_TOKEN_ENTRIES = 3;
const MIN_POINTS = 4;

/**
 * Resizes the table of a grid of tokens to that of another grid.
 *
 * Trained offsets −13 … 13 (of 14×14 tokens) move to ±{1, 1 + q, 1 + q + q², …}, so that
 * the outermost one arrives at the outermost of the new grid; small offsets keep their
 * meaning, large ones are stretched. A bicubic spline through them gives the values at the
 * new offsets. The three entries of the class token are copied.
 *
 * Source: the code of Bao et al., "BEiT" (ICLR 2022), https://arxiv.org/abs/2106.08254, as
 * mmsegmentation's `_geometric_sequence_interpolation`; they do square grids only.
 *
 * @param table Of a square grid. [(2·side − 1)² + 3, heads]
 * @param grid The new one.
 * @returns [(2·height − 1)·(2·width − 1) + 3, heads], or null if the table is not float32,
 * not of a square grid or of one that is too small to interpolate.
 */
export function resizeBeitPositionTable(
  { dtype, shape, bytes }: HostTensor,
  [height, width]: TokenGrid,
): HostTensor | null {
  const [entries = 0, heads = 0] = shape;
  const side = Math.sqrt(entries - CLASS_TOKEN_ENTRIES);
  const isTable = dtype === "F32" && shape.length === 2 && side % 2 === 1;
  if (!isTable || side < MIN_POINTS) return null;
  const sourceValues = new Float32Array(bytes.slice().buffer);
  const [rowOffsets, columnOffsets] = [2 * height - 1, 2 * width - 1];
  const down = splineWeights(side, rowOffsets);
  const across = rowOffsets === columnOffsets ? down : splineWeights(side, columnOffsets);
  const gridEntries = rowOffsets * columnOffsets;
  const targetShape = [gridEntries + CLASS_TOKEN_ENTRIES, heads];
  const targetValues = new Float32Array(
    (gridEntries + CLASS_TOKEN_ENTRIES) * heads,
  );
  for (let head = 0; head < heads; head++) {
    const rows = down.map((weights) =>
      Float64Array.from({ length: side }, (_, x) => {
        const below = (y: number) => sourceValues[(y * side + x) * heads + head] ?? 0;
        return weights.reduce((sum, weight, y) => sum + weight * below(y), 0);
      })
    ); // [rowOffsets][side]
    rows.forEach((row, y) =>
      across.forEach((weights, x) => {
        const value = weights.reduce((sum, weight, i) => sum + weight * (row[i] ?? 0), 0);
        targetValues[(y * columnOffsets + x) * heads + head] = value;
      })
    );
  }
  const classToken = sourceValues.subarray(-CLASS_TOKEN_ENTRIES * heads);
  targetValues.set(classToken, gridEntries * heads);
  return { dtype, shape: targetShape, bytes: new Uint8Array(targetValues.buffer) };
}

// The weights of `from` offsets of one axis at `to` new ones. [to][from]
function splineWeights(from: number, to: number): Float64Array[] {
  const maxOffset = Math.floor(to / 2);
  const targetOffsets = Array.from({ length: to }, (_, i) => i - maxOffset);
  const sourceOffsets = from === to
    ? targetOffsets
    : geometricOffsets(Math.floor(from / 2), maxOffset);
  return cubicSplineWeights(sourceOffsets, targetOffsets);
}

// ±{1, 1 + q, 1 + q + q², …} and 0, with q such that the last sum is `maxOffset`, as far
// as bisection between the limits of the reference finds it.
function geometricOffsets(count: number, maxOffset: number): number[] {
  let [left, right] = [1.01, 1.5];
  let q = left;
  while (right - left > 1e-6) {
    q = (left + right) / 2;
    const sum = (1 - q ** count) / (1 - q);
    if (sum > maxOffset) right = q;
    else left = q;
  }
  const offsets: number[] = [];
  let offset = 1;
  for (let i = 0; i < count; i++) {
    offsets.push(offset);
    offset += q ** (i + 1);
  }
  return [...offsets.map((offset) => -offset).reverse(), 0, ...offsets];
}

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
      `Cannot interpolate a cubic spline through ${points.length} points: 4 are needed`,
    );
  }
  // A spline depends linearly on its values: each target's weight of a point is what the
  // spline through 1 at that point and 0 at the others has there.
  const weights = targets.map(() => new Float64Array(points.length));
  for (let basis = 0; basis < points.length; basis++) {
    const values = points.map((_, i) => i === basis ? 1 : 0);
    const derivatives = splineDerivatives(points, values);
    targets.forEach((target, t) => {
      const row = weights[t];
      if (row) row[basis] = hermite(points, values, derivatives, target);
    });
  }
  return weights;
}

// Derivatives at the points for which second derivatives are continuous: a tridiagonal system.
function splineDerivatives(
  points: readonly number[],
  values: readonly number[],
): number[] {
  const at = (list: readonly number[], i: number) => list[i] ?? 0;
  const last = points.length - 1;
  const step = Array.from({ length: last }, (_, i) => at(points, i + 1) - at(points, i));
  const secants = step.map((h, i) => (at(values, i + 1) - at(values, i)) / h);
  const h = (i: number) => at(step, i);
  const d = (i: number) => at(secants, i);
  const notAKnotEnd = (a: number, b: number, da: number, db: number) =>
    ((3 * a + 2 * b) * b * da + a ** 2 * db) / (a + b);
  const below: number[] = [0];
  const middle: number[] = [h(1)];
  const above: number[] = [h(0) + h(1)];
  const rightSide: number[] = [notAKnotEnd(h(0), h(1), d(0), d(1))];
  for (let i = 1; i < last; i++) {
    below.push(h(i));
    middle.push(2 * (h(i - 1) + h(i)));
    above.push(h(i - 1));
    rightSide.push(3 * (h(i) * d(i - 1) + h(i - 1) * d(i)));
  }
  const [a, b] = [h(last - 1), h(last - 2)];
  below.push(a + b);
  middle.push(b);
  above.push(0);
  rightSide.push(notAKnotEnd(a, b, d(last - 1), d(last - 2)));
  for (let i = 1; i <= last; i++) {
    const factor = at(below, i) / at(middle, i - 1);
    middle[i] = at(middle, i) - factor * at(above, i - 1);
    rightSide[i] = at(rightSide, i) - factor * at(rightSide, i - 1);
  }
  const derivatives = [...rightSide];
  for (let i = last; i >= 0; i--) {
    derivatives[i] = (at(rightSide, i) - at(above, i) * at(derivatives, i + 1)) /
      at(middle, i);
  }
  return derivatives;
}

// The cubic between two points with given values and derivatives.
function hermite(
  points: readonly number[],
  values: readonly number[],
  derivatives: readonly number[],
  target: number,
): number {
  const last = points.length - 1;
  const [first = 0, end = 0] = [points[0], points[last]];
  const x = Math.min(Math.max(target, first), end);
  const next = points.findIndex((point, i) => i > 0 && x <= point);
  const [x0 = 0, x1 = 1] = [points[next - 1], points[next]];
  const [y0 = 0, y1 = 0] = [values[next - 1], values[next]];
  const [s0 = 0, s1 = 0] = [derivatives[next - 1], derivatives[next]];
  const step = x1 - x0;
  const t = (x - x0) / step;
  return (1 + 2 * t) * (1 - t) ** 2 * y0 + t * (1 - t) ** 2 * step * s0 +
    t ** 2 * (3 - 2 * t) * y1 + t ** 2 * (t - 1) * step * s1;
}
