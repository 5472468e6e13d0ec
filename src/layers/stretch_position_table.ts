import type { HostTensor } from "../core/host_tensor.ts";
import type { TokenGrid } from "../ops/grid_bias.ts";
import { cubicSplineWeights } from "./cubic_spline.ts";

// Entries that have no place in a grid: those of the class token.
const EXTRA = 3;
const FEWEST_POINTS = 4;

/**
 * Makes a table of relative positions fit another grid of tokens.
 *
 * Trained offsets −13 … 13 (of 14×14 tokens) are laid at ±{1, 1 + q, 1 + q + q², …} so that
 * the outermost one arrives at the outermost of the new grid; near tokens keep their
 * meaning, far ones are stretched. A bicubic spline through them is read at the new
 * offsets. The three entries of the class token are copied.
 *
 * Source: the code of Bao et al., "BEiT" (ICLR 2022), https://arxiv.org/abs/2106.08254, as
 * mmsegmentation's `_geometric_sequence_interpolation`; they do square grids only.
 *
 * @param table Of a square grid. [(2·side − 1)² + 3, heads]
 * @param grid The new one.
 * @returns [(2·height − 1)·(2·width − 1) + 3, heads], or null if the table is not float32,
 * not of a square grid or of one that is too small to interpolate.
 */
export function stretchPositionTable(
  { dtype, shape, bytes }: HostTensor,
  [height, width]: TokenGrid,
): HostTensor | null {
  const [entries = 0, heads = 0] = shape;
  const side = Math.sqrt(entries - EXTRA);
  const given = dtype === "F32" && shape.length === 2 && side % 2 === 1;
  if (!given || side < FEWEST_POINTS) return null;
  const from = new Float32Array(bytes.slice().buffer);
  const [tall, wide] = [2 * height - 1, 2 * width - 1];
  const down = offsetWeights(side, tall);
  const across = tall === wide ? down : offsetWeights(side, wide);
  const into = new Float32Array((tall * wide + EXTRA) * heads);
  for (let head = 0; head < heads; head++) {
    const rows = down.map((weights) =>
      Float64Array.from({ length: side }, (_, x) => {
        const below = (y: number) => from[(y * side + x) * heads + head] ?? 0;
        return weights.reduce((sum, weight, y) => sum + weight * below(y), 0);
      })
    ); // [tall][side]
    rows.forEach((row, y) =>
      across.forEach((weights, x) => {
        const value = weights.reduce((sum, weight, i) => sum + weight * (row[i] ?? 0), 0);
        into[(y * wide + x) * heads + head] = value;
      })
    );
  }
  into.set(from.subarray(-EXTRA * heads), tall * wide * heads);
  const size = [tall * wide + EXTRA, heads];
  return { dtype, shape: size, bytes: new Uint8Array(into.buffer) };
}

// The weights of the given offsets, of which there are `from`, at the new ones, along one
// axis.
function offsetWeights(from: number, to: number): Float64Array[] {
  const reach = Math.floor(to / 2);
  const targets = Array.from({ length: to }, (_, i) => i - reach);
  const places = from === to ? targets : stretchedOffsets(Math.floor(from / 2), reach);
  return cubicSplineWeights(places, targets);
}

// ±{1, 1 + q, 1 + q + q², …} and 0, with q such that the last sum is `reach`, as far as
// bisection between the reference's limits finds it.
function stretchedOffsets(count: number, reach: number): number[] {
  let [left, right] = [1.01, 1.5];
  let q = left;
  while (right - left > 1e-6) {
    q = (left + right) / 2;
    const sum = (1 - q ** count) / (1 - q);
    if (sum > reach) right = q;
    else left = q;
  }
  const places: number[] = [];
  let place = 1;
  for (let i = 0; i < count; i++) {
    places.push(place);
    place += q ** (i + 1);
  }
  return [...places.map((place) => -place).reverse(), 0, ...places];
}
