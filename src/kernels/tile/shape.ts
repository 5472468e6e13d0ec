/** How the 64 invocations of a workgroup share a matrix in tiles. @module */
import { runsInSoftware } from "../../core/backend.ts";

/** Tiles of a product of matrices, see sums.wgsl. */
export interface Tiling {
  /** Whether an invocation owns 16×16 elements instead of 8×8. */
  readonly large: boolean;
  /** Lanes side by side. */
  readonly across: number;
  /** Invocations that a matrix takes, whole workgroups. */
  readonly invocations: number;
}

// Below, large tiles would leave most lanes of a vector without work.
const FEW = 8 * 16 ** 2;
// Widest first: at equal waste, square workgroups read least.
const ACROSS = [8, 4, 2, 1];

/**
 * Tiles for a matrix; as few columns beyond the last as possible are made.
 *
 * @param large The size of the tiles, where it is decided already.
 */
export function tiling(
  rows: number,
  columns: number,
  large: boolean = prefersLarge(rows, columns),
): Tiling {
  const side = large ? 16 : 8;
  const padded = (across: number) => Math.ceil(columns / (side * across)) * across;
  const across = ACROSS.reduce((best, one) => padded(one) < padded(best) ? one : best);
  const down = Math.ceil(rows / (side * 64 / across));
  return { large, across, invocations: 64 * down * (padded(across) / across) };
}

function prefersLarge(rows: number, columns: number): boolean {
  return runsInSoftware() && rows > 8 && columns > 8 && rows * columns >= FEW;
}
